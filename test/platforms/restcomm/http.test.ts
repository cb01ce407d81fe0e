import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PlatformError } from '../../../src/domain/errors.ts';
import { accountSid } from '../../../src/domain/values/sid.ts';
import { createHttpRestcomm } from '../../../src/platforms/restcomm/http.ts';
import type { Restcomm, SmsToSend } from '../../../src/platforms/restcomm/restcomm.ts';
import { type FakeRestcomm, startFakeRestcomm } from '../../fakes/restcomm.ts';
import { failure, nowhere } from '../../support/failure.ts';

const NUMBER = '+493012345';
const admin = { email: 'Admin@Kohl.example', password: 'canary-"pass word"', friendlyName: 'Kohl' };
const SMS_URL = 'http://gateway.example/webhooks/restcomm/canary-webhook/sms';
const sms: SmsToSend = {
  from: NUMBER,
  to: '+4917012345',
  body: 'Hallo & bis später + morgen',
  encoding: 'GSM_7',
  statusCallback: 'http://127.0.0.1:9/webhooks/restcomm/canary-webhook/status?message=MS1',
};

let fake: FakeRestcomm;
let restcomm: Restcomm;

/** The client under test, for the fake or another address. */
const client = (changes: Partial<Parameters<typeof createHttpRestcomm>[0]> = {}) =>
  createHttpRestcomm({ url: fake.url, accountSid: fake.accountSid, authToken: fake.authToken, fetch, ...changes });

beforeEach(async () => {
  fake = await startFakeRestcomm({ numbers: [NUMBER, '+4930123456'], progress: 'manual' });
  restcomm = client();
});
afterEach(() => fake.close());

describe('the base address', () => {
  test.each(['', '/', '/restcomm', '/restcomm/', '/restcomm/2012-04-24', '/restcomm/2012-04-24//'])('may end in "%s"', async (end) => {
    const { origin } = new URL(fake.url);
    expect(await client({ url: origin + end }).findSms('SM1')).toBeUndefined();
    expect(fake.requests.at(-1)?.path).toBe(`/Accounts/${fake.accountSid}/SMS/Messages/SM1.json`);
  });

  test('must not contain credentials', () => {
    expect(() => client({ url: 'http://user:canary@restcomm.example' })).toThrow('must not contain credentials');
  });
});

describe('a sub-account', () => {
  test('is created with its e-mail, password and name', async () => {
    expect(await restcomm.createSubAccount(admin)).toEqual({ sid: accountSid(admin.email), existed: false });
    expect(fake.accounts.get(accountSid(admin.email))).toMatchObject({ friendlyName: 'Kohl', password: admin.password, status: 'active' });
  });

  test('is linked if the e-mail has one, whose password is unchanged', async () => {
    await restcomm.createSubAccount(admin);
    const again = await restcomm.createSubAccount({ ...admin, email: 'admin@kohl.EXAMPLE', password: 'another' });
    expect(again).toEqual({ sid: accountSid(admin.email), existed: true });
    expect(fake.accounts.get(again.sid)?.password).toBe(admin.password);
  });

  test('is not linked at another conflict', async () => {
    fake.faults.next('createAccount', { status: 409, body: 'No more accounts.' });
    await expect(restcomm.createSubAccount(admin)).rejects.toMatchObject({ code: 'PLATFORM_ERROR', message: 'No more accounts.' });
  });

  test('is suspended, activated and closed, repeatedly', async () => {
    const { sid } = await restcomm.createSubAccount(admin);
    const steps = { INACTIVE: 'suspended', ACTIVE: 'active', CLOSED: 'closed' } as const;
    for (const [status, theirs] of Object.entries(steps)) {
      await restcomm.setAccountStatus(sid, status as keyof typeof steps);
      await restcomm.setAccountStatus(sid, status as keyof typeof steps);
      expect(fake.accounts.get(sid)?.status).toBe(theirs);
    }
  });

  test('that is closed cannot be opened again', async () => {
    const { sid } = await restcomm.createSubAccount(admin);
    await restcomm.setAccountStatus(sid, 'CLOSED');
    await expect(restcomm.setAccountStatus(sid, 'ACTIVE')).rejects.toThrow(PlatformError);
    expect(fake.accounts.get(sid)?.status).toBe('closed');
  });

  test('that does not exist is a refusal', async () => {
    await expect(restcomm.setAccountStatus(accountSid('a@b.example'), 'CLOSED')).rejects.toThrow(PlatformError);
  });
});

describe('credentials', () => {
  const sid = accountSid(admin.email);

  test('of an active account are valid, by password or token', async () => {
    await restcomm.createSubAccount(admin);
    const account = { email: admin.email.toLowerCase(), friendlyName: admin.friendlyName, organizationSid: fake.organizationSid };
    expect(await restcomm.checkCredentials(sid, admin.password)).toEqual(account);
    expect(await restcomm.checkCredentials(sid, fake.accounts.get(sid)?.authToken ?? '')).toEqual(account);
    expect(fake.requests.at(-1)).toMatchObject({ method: 'GET', path: `/Accounts/${sid}.json`, user: sid });
  });

  test.each(['suspended', 'closed', 'uninitialized'] as const)('of an account that is %s are inactive', async (status) => {
    await restcomm.createSubAccount(admin);
    Object.assign(fake.accounts.get(sid) ?? {}, { status });
    expect(await restcomm.checkCredentials(sid, admin.password)).toBe('inactive');
  });

  test('are unknown if the account or its password is', async () => {
    expect(await restcomm.checkCredentials(sid, admin.password)).toBe('unknown');
    await restcomm.createSubAccount(admin);
    expect(await restcomm.checkCredentials(sid, 'wrong')).toBe('unknown');
  });

  test.each(['', '..', 'admin@kohl.example', `${sid}/../..`, `${sid}:x`])(
    'of "%s", which is not an account sid, are not looked up',
    async (user) => {
      expect(await restcomm.checkCredentials(user, admin.password)).toBe('unknown');
      expect(fake.requests).toEqual([]);
    },
  );

  test('are not valid if the response is another account’s or none', async () => {
    for (const body of ['<html>Welcome</html>', '{}', JSON.stringify({ sid: fake.accountSid, status: 'active' })]) {
      fake.faults.next('account', { status: 200, body });
      await expect(restcomm.checkCredentials(sid, admin.password)).rejects.toThrow(PlatformError);
    }
    fake.faults.next('account', { status: 503 });
    await expect(restcomm.checkCredentials(sid, admin.password)).rejects.toThrow(PlatformError);
  });
});

describe('a number', () => {
  const number = () => fake.numbers.find(({ phoneNumber }) => phoneNumber === NUMBER);

  test.each([NUMBER, NUMBER.slice(1)])('written %s is routed to the webhook, whatever application its SMS had', async (written) => {
    Object.assign(number() ?? {}, { smsApplicationSid: 'AP1', smsMethod: 'GET' });
    await restcomm.enableSms(written, SMS_URL);
    await restcomm.enableSms(written, SMS_URL);
    expect(number()).toMatchObject({
      smsUrl: SMS_URL,
      smsMethod: 'POST',
      smsFallbackUrl: SMS_URL,
      smsFallbackMethod: 'POST',
      smsApplicationSid: null,
    });
    expect(fake.numbers[1]).toMatchObject({ smsUrl: null });
  });

  test('is found on any page, and in the plain list of older versions', async () => {
    for (let index = 0; index < 150; index += 1) fake.addNumber(`+${1000 + index}493012345`);
    fake.numbers.reverse();
    await restcomm.enableSms(NUMBER, SMS_URL);
    expect(number()).toMatchObject({ smsUrl: SMS_URL });
    const { sid, phoneNumber } = fake.numbers.at(-2) ?? expect.unreachable();
    fake.faults.next('numbers', { status: 200, body: JSON.stringify([{ sid, phone_number: phoneNumber }]) });
    await restcomm.enableSms(phoneNumber, SMS_URL);
    expect(fake.numbers.at(-2)).toMatchObject({ smsUrl: SMS_URL });
  });

  test('that is not the account’s is refused', async () => {
    const error = await failure(restcomm.enableSms('+49301234', SMS_URL));
    expect(error).toBeInstanceOf(PlatformError);
    expect(error).toMatchObject({ message: 'The number does not belong to the Restcomm account.', value: '+49301234' });
  });

  test('is released, even twice or when it no longer exists', async () => {
    await restcomm.enableSms(NUMBER, SMS_URL);
    await restcomm.disableSms(NUMBER);
    await restcomm.disableSms(NUMBER);
    expect(number()).toMatchObject({ smsUrl: null, smsFallbackUrl: null });
    fake.faults.next('updateNumber', { status: 404 });
    await restcomm.disableSms(NUMBER);
    fake.numbers.length = 0;
    await restcomm.disableSms(NUMBER);
  });
});

const managementCalls: Record<string, (restcomm: Restcomm) => Promise<unknown>> = {
  createSubAccount: (it) => it.createSubAccount(admin),
  setAccountStatus: (it) => it.setAccountStatus(fake.accountSid, 'ACTIVE'),
  enableSms: (it) => it.enableSms(NUMBER, SMS_URL),
  disableSms: (it) => it.disableSms(NUMBER),
  findSms: (it) => it.findSms('SM1'),
  listSms: (it) => it.listSms({ since: new Date() }),
  listReceived: (it) => it.listReceived(new Date())[Symbol.asyncIterator]().next(),
  checkCredentials: (it) => it.checkCredentials(accountSid(admin.email), 'canary-token'),
};
const places = ['createAccount', 'updateAccount', 'account', 'numbers', 'updateNumber', 'send', 'message', 'messages'] as const;

describe.each(Object.entries(managementCalls))('%s', (_, call) => {
  test('reports that Restcomm did not respond', async () => {
    const silence = [{ reset: 'before' }, { reset: 'after' }, { delay: new Promise(() => {}) }] as const;
    for (const fault of silence) {
      for (const place of places) fake.faults.always(place, () => fault);
      const error = await failure(call(client({ timeoutMs: 300 })));
      expect(error).toBeInstanceOf(PlatformError);
      expect(error).toMatchObject({ message: 'Restcomm did not respond' });
    }
    expect(await failure(call(client({ url: await nowhere() })))).toMatchObject({ message: 'Restcomm did not respond' });
  });

  test('reports Restcomm’s reason for a refusal', async () => {
    for (const place of places) fake.faults.always(place, () => ({ status: 402, body: '{"message":"Pay first."}' }));
    const error = await failure(call(restcomm));
    expect(error).toBeInstanceOf(PlatformError);
    expect(error).toMatchObject({ message: 'Pay first.', code: 'PLATFORM_ERROR' });
  });
});

test('no error contains a credential, password or webhook address, even if the platform quotes the request', async () => {
  const token = 'canary-token';
  const basic = () => {
    const { user, password } = fake.requests.at(-1) ?? expect.unreachable();
    return Buffer.from(`${user}:${password}`).toString('base64');
  };
  const quoted = () => {
    const form = new URLSearchParams(fake.requests.at(-1)?.form);
    return [basic(), token, form, ...form.values()].join(' ');
  };
  const rules = [
    () => ({ status: 400, body: `You said ${quoted()}` }),
    () => ({ status: 500, body: JSON.stringify({ message: quoted(), error: token }) }),
    () => ({ status: 302, headers: { location: `http://127.0.0.1:9/${token}` } }),
    () => ({ reset: 'after' }) as const,
    () => ({ delay: new Promise(() => {}) }),
  ];
  const calls = { ...managementCalls, sendSms: (it: Restcomm) => it.sendSms(sms) };
  for (const rule of rules) {
    for (const place of places) fake.faults.always(place, rule);
    for (const call of Object.values(calls)) {
      const error = await failure(call(client({ authToken: token, timeoutMs: 300, settlesMs: 300 })));
      const shown = inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true }) + JSON.stringify(error);
      expect(shown).not.toMatch(/canary-/);
      expect(shown).not.toContain(basic());
    }
  }
});
