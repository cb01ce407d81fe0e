import { describe, expect, test } from 'vitest';
import { PlatformError } from '../../src/domain/errors.ts';
import { accountSid } from '../../src/domain/sid.ts';
import { createEmbeddedMicrosoft } from '../../src/platforms/microsoft/embedded.ts';
import { createEmbeddedRestcomm } from '../../src/platforms/restcomm/embedded.ts';

const admin = { email: 'Admin@Kohl.example', password: 'a-long-password', friendlyName: 'Kohl' };
const sid = accountSid(admin.email);
const url = 'http://gateway.example/sms';

describe('the embedded Restcomm', () => {
  test('makes a sub-account once and links it from then on, in any case of the e-mail', async () => {
    const restcomm = createEmbeddedRestcomm();
    expect(await restcomm.createSubAccount(admin)).toEqual({ sid, existed: false });
    expect(await restcomm.createSubAccount({ ...admin, email: 'admin@kohl.EXAMPLE' })).toEqual({ sid, existed: true });
  });

  test('sets a status as often as it is asked, until CLOSED', async () => {
    const restcomm = createEmbeddedRestcomm();
    await restcomm.createSubAccount(admin);
    for (const status of ['INACTIVE', 'INACTIVE', 'ACTIVE', 'CLOSED', 'CLOSED'] as const) {
      await restcomm.setAccountStatus(sid, status);
      expect(restcomm.accountStatus(sid)).toBe(status);
    }
    await expect(restcomm.setAccountStatus(sid, 'ACTIVE')).rejects.toThrow(PlatformError);
    expect(restcomm.accountStatus(sid)).toBe('CLOSED');
  });

  test('takes the status of an account that another run made', async () => {
    const restcomm = createEmbeddedRestcomm();
    await restcomm.setAccountStatus(sid, 'INACTIVE');
    expect(restcomm.accountStatus(sid)).toBe('INACTIVE');
  });

  test('enables and releases a number as often as it is asked, with or without its +', async () => {
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

describe('the embedded Microsoft', () => {
  const microsoft = createEmbeddedMicrosoft();
  const bot = { applicationId: 'app', tenantId: 'tenant', clientSecret: 'secret' };
  const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

  test('knows every well-formed address as one user of the tenant, in any case', async () => {
    const user = await microsoft.findUser(bot, 'Sunny@Solutions.example');
    expect(user).toEqual({ objectId: expect.stringMatching(uuid), userPrincipalName: 'Sunny@Solutions.example' });
    expect((await microsoft.findUser(bot, 'sunny@solutions.example'))?.objectId).toBe(user?.objectId);
    expect((await microsoft.findUser({ ...bot, tenantId: 'other' }, 'sunny@solutions.example'))?.objectId).not.toBe(user?.objectId);
  });

  test('finds a user by object id', async () => {
    const objectId = 'c526826c-e510-49e1-ab76-2095b33464f2';
    expect(await microsoft.findUser(bot, objectId.toUpperCase())).toMatchObject({ objectId });
  });

  test.each(['sunny@solutions.invalid', 'sunny', '@solutions.example', 'a b@solutions.example'])('knows no user %s', async (address) => {
    expect(await microsoft.findUser(bot, address)).toBeUndefined();
  });

  test.each(['applicationId', 'tenantId', 'clientSecret'])('refuses a bot whose %s is invalid, in Microsoft’s words', async (field) => {
    await expect(microsoft.findUser({ ...bot, [field]: 'invalid' }, 'sunny@solutions.example')).rejects.toThrow(/^AADSTS\d+: /);
  });
});
