import { describe, expect, test, vi } from 'vitest';
import { PlatformError } from '../../../src/domain/errors.ts';
import { accountSid } from '../../../src/domain/values/sid.ts';
import { createEmbeddedRestcomm, type SmsReport } from '../../../src/platforms/restcomm/embedded.ts';
import type { SmsToSend } from '../../../src/platforms/restcomm/restcomm.ts';

const admin = { email: 'Admin@Kohl.example', password: 'a-long-password', friendlyName: 'Kohl' };
const sid = accountSid(admin.email);
const url = 'http://gateway.example/sms';

const sms: SmsToSend = {
  from: '+493012345',
  to: '+4917012345',
  body: 'Hallo',
  encoding: 'GSM_7',
  statusCallback: 'http://gateway.example/status?message=MS1',
};

/** A stand-in at speed, and what it reported. */
function quick() {
  const reports: SmsReport[] = [];
  return { restcomm: createEmbeddedRestcomm({ report: (report) => reports.push(report), stepMs: 1 }), reports };
}

test('the embedded carrier accepts a text, then reports it sent and delivered', async () => {
  const { restcomm, reports } = quick();
  const { sid, status } = await restcomm.sendSms(sms);
  expect(sid).toMatch(/^SM[0-9a-f]{32}$/);
  expect(status).toBe('sending');
  expect(reports).toEqual([]);
  await vi.waitFor(() => expect(reports).toMatchObject([{ status: 'sent' }, { status: 'delivered' }]));
  for (const report of reports) expect(report).toMatchObject({ messageSid: sid, statusCallback: sms.statusCallback });
  expect(await restcomm.findSms(sid)).toMatchObject({ sid, from: sms.from, to: sms.to, body: sms.body, status: 'delivered' });
});

test('the embedded carrier fails texts to numbers ending in 0 with 30003', async () => {
  const { restcomm, reports } = quick();
  const { sid } = await restcomm.sendSms({ ...sms, to: '+4917012340' });
  await vi.waitFor(() => expect(reports.at(-1)).toMatchObject({ messageSid: sid, status: 'failed', errorCode: '30003' }));
  expect(await restcomm.findSms(sid)).toMatchObject({ status: 'failed', errorCode: '30003' });
});

test('the embedded carrier knows after a restart how its texts ended', async () => {
  const { sid: delivered } = await quick().restcomm.sendSms(sms);
  const { sid: failed } = await quick().restcomm.sendSms({ ...sms, to: '+4917012340' });
  const { restcomm } = quick();
  expect(await restcomm.findSms(delivered)).toMatchObject({ sid: delivered, status: 'delivered' });
  expect(await restcomm.findSms(failed)).toMatchObject({ sid: failed, status: 'failed', errorCode: '30003' });
  expect(await restcomm.findSms('SM00000000000000000000000000000000')).toBeUndefined();
});

test('the embedded carrier lists the texts that it accepted, by number and time, and nothing else', async () => {
  const { restcomm } = quick();
  const since = new Date();
  const { sid } = await restcomm.sendSms(sms);
  const sids = async (filter: { from?: string; to?: string; since: Date }) => (await restcomm.listSms(filter)).map((record) => record.sid);
  expect(await sids({ since })).toEqual([sid]);
  expect(await sids({ from: sms.from.slice(1), to: sms.to, since })).toEqual([sid]);
  expect(await sids({ from: sms.to, since })).toEqual([]);
  expect(await sids({ since: new Date(Date.now() + 60_000) })).toEqual([]);
  expect(await restcomm.findSms('SM1')).toBeUndefined();
});

test('the embedded platform verifies no credentials', async () => {
  expect(await quick().restcomm.checkCredentials('AC00000000000000000000000000000000', 'token')).toBe('unknown');
});

describe('the embedded Restcomm', () => {
  test('creates a sub-account once and links it from then on, for any case of the e-mail', async () => {
    const restcomm = createEmbeddedRestcomm();
    expect(await restcomm.createSubAccount(admin)).toEqual({ sid, existed: false });
    expect(await restcomm.createSubAccount({ ...admin, email: 'admin@kohl.EXAMPLE' })).toEqual({ sid, existed: true });
  });

  test('sets a status repeatedly, until CLOSED', async () => {
    const restcomm = createEmbeddedRestcomm();
    await restcomm.createSubAccount(admin);
    for (const status of ['INACTIVE', 'INACTIVE', 'ACTIVE', 'CLOSED', 'CLOSED'] as const) {
      await restcomm.setAccountStatus(sid, status);
      expect(restcomm.accountStatus(sid)).toBe(status);
    }
    await expect(restcomm.setAccountStatus(sid, 'ACTIVE')).rejects.toThrow(PlatformError);
    expect(restcomm.accountStatus(sid)).toBe('CLOSED');
  });

  test('sets the status of an account that another run created', async () => {
    const restcomm = createEmbeddedRestcomm();
    await restcomm.setAccountStatus(sid, 'INACTIVE');
    expect(restcomm.accountStatus(sid)).toBe('INACTIVE');
  });

  test('enables and releases a number repeatedly, with or without its +', async () => {
    const restcomm = createEmbeddedRestcomm();
    for (const number of ['+12125550100', '12125550100']) await restcomm.enableSms(number, url);
    expect(restcomm.isSmsEnabled('12125550100')).toBe(true);
    for (const number of ['+12125550100', '12125550100']) await restcomm.disableSms(number);
    expect(restcomm.isSmsEnabled('+12125550100')).toBe(false);
  });

  test('refuses e-mails at .invalid and numbers of the country 999', async () => {
    const restcomm = createEmbeddedRestcomm();
    await expect(restcomm.createSubAccount({ ...admin, email: 'admin@kohl.invalid' })).rejects.toThrow(PlatformError);
    await expect(restcomm.enableSms('+99912345', url)).rejects.toThrow(PlatformError);
    expect(restcomm.isSmsEnabled('+99912345')).toBe(false);
  });
});
