import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { resolveMappingUsers } from '../../src/domain/mappings/mapping-users.ts';
import { done, fresh, inRest, newEnterprise } from '../parity/faces.ts';
import { readyCustomer, verifyBot } from '../support/bots.ts';
import { type Customer, createTestExchange, type TestExchange } from '../support/exchange.ts';

let exchange: TestExchange;
let customer: Customer;
beforeAll(async () => {
  exchange = await createTestExchange();
  customer = await exchange.customer();
});
afterAll(() => exchange.close());
afterEach(() => {
  exchange.microsoft.heal();
  exchange.restcomm.faults.clear();
});

const PHONE = '+4917012345671';
const mappingRow = (sid: string) => exchange.gateway.prisma.mapping.findUniqueOrThrow({ where: { sid } });
const numberAt = (phoneNumber: string) => exchange.restcomm.numbers.find((number) => number.phoneNumber === phoneNumber);
const number = () => {
  const made = `${fresh.number()}1`;
  exchange.restcomm.addNumber(made);
  return made;
};

/** createMapping by REST for the customer's enterprise. */
async function map(microsoftAddress: string, externalAddress = number()) {
  const { status, body } = await inRest(customer.provider, 'createMapping', {
    enterpriseSid: customer.enterpriseSid,
    microsoftAddress,
    externalAddress,
  });
  return { status, errorCode: body.errorCode, message: body.message };
}

describe('a mapping', () => {
  test('routes its number’s SMS here, by an address with its own secret, and overrides an application of the number', async () => {
    const externalAddress = number();
    const before = numberAt(externalAddress);
    if (before) before.smsApplicationSid = 'AP0';
    await done(customer.provider, 'createMapping', {
      enterpriseSid: customer.enterpriseSid,
      microsoftAddress: customer.user.userPrincipalName,
      externalAddress,
    });
    const smsUrl = numberAt(externalAddress)?.smsUrl;
    expect(smsUrl).toMatch(new RegExp(`^${exchange.url}/webhooks/restcomm/[0-9a-f]{64}/sms$`));
    expect(numberAt(externalAddress)).toMatchObject({
      smsMethod: 'POST',
      smsFallbackUrl: smsUrl,
      smsFallbackMethod: 'POST',
      smsApplicationSid: null,
    });
    expect(smsUrl).not.toBe(numberAt(customer.number)?.smsUrl);
  });

  test('stores the user’s object id, given by UPN or object id, in any case', async () => {
    const user = exchange.microsoft.addUser({ tenantId: customer.bot.tenantId, userPrincipalName: "o'neil#EXT#@contoso.example" });
    for (const microsoftAddress of [user.userPrincipalName, user.userPrincipalName.toUpperCase(), user.objectId]) {
      const mapping = await done(customer.provider, 'createMapping', {
        enterpriseSid: customer.enterpriseSid,
        microsoftAddress,
        externalAddress: number(),
      });
      expect((await mappingRow(mapping.sid)).microsoftObjectId).toBe(user.objectId);
    }
  });

  test('is refused with 485 for an unknown address, another tenant’s user and a disabled user', async () => {
    const foreign = exchange.microsoft.addUser({ tenantId: 'another' });
    const disabled = exchange.microsoft.addUser({ tenantId: customer.bot.tenantId, accountEnabled: false });
    for (const address of ['nobody@contoso.example', foreign.userPrincipalName, disabled.userPrincipalName, 'no address']) {
      const externalAddress = number();
      expect(await map(address, externalAddress), address).toEqual({
        status: 409,
        errorCode: '485',
        message: 'Microsoft Address is not Valid',
      });
      expect(numberAt(externalAddress)?.smsUrl).toBeNull();
    }
  });

  test('is refused with 452 if no token is issued, or Graph forbids, fails or does not respond', async () => {
    const faults: (() => void)[] = [
      () =>
        exchange.microsoft.fault('user', { answer: { status: 503, body: { error: { code: 'serviceNotAvailable', message: 'Busy.' } } } }),
      () => exchange.microsoft.fault('user', { reset: 'after' }),
      () =>
        exchange.microsoft.fault('user', {
          answer: { status: 403, body: { error: { code: 'Authorization_RequestDenied', message: 'Denied.' } } },
        }),
      () => {
        exchange.microsoft.revokeTokens();
        exchange.microsoft.fault('token', { answer: { status: 500 }, times: 2 });
      },
    ];
    for (const fail of faults) {
      const externalAddress = number();
      fail();
      expect(await map(customer.user.userPrincipalName, externalAddress)).toMatchObject({ status: 400, errorCode: '452' });
      expect(numberAt(externalAddress)?.smsUrl).toBeNull();
      exchange.microsoft.heal();
    }
  });

  test('is refused with 452 for a number that the Restcomm account does not have, or if Restcomm fails', async () => {
    expect(await map(customer.user.userPrincipalName, fresh.number())).toMatchObject({ status: 400, errorCode: '452' });
    exchange.restcomm.faults.next('updateNumber', { status: 500 }, 2);
    expect(await map(customer.user.userPrincipalName)).toMatchObject({ status: 400, errorCode: '452' });
  });

  test('releases its number when it is deleted', async () => {
    const person = await exchange.person(customer);
    await done(customer.provider, 'deleteMapping', { sid: person.mappingSid });
    expect(numberAt(person.number)).toMatchObject({ smsUrl: null, smsFallbackUrl: null });
  });
});

describe('a mapping that was created before its enterprise had a bot', () => {
  async function early(microsoftAddress: string) {
    const provider = await exchange.provider();
    const { sid: enterpriseSid } = await done(provider, 'createEnterprise', newEnterprise());
    const mapping = await done(provider, 'createMapping', { enterpriseSid, microsoftAddress, externalAddress: number() });
    return { provider, enterpriseSid, mapping };
  }
  const createBot = ({ provider, enterpriseSid }: { provider: Customer['provider']; enterpriseSid: string }, change: object = {}) => {
    const { applicationId, tenantId, clientSecret } = customer.bot;
    return done(provider, 'createBot', { enterpriseSid, applicationId, tenantId, clientSecret, botAppId: 'app', ...change });
  };

  test('gets its user’s object id once there is a bot, and belongs to that user from then on', async () => {
    const user = exchange.microsoft.addUser({ tenantId: customer.bot.tenantId });
    const made = await early(user.userPrincipalName);
    await resolveMappingUsers(exchange.gateway);
    expect((await mappingRow(made.mapping.sid)).microsoftObjectId).toBeNull();
    await createBot(made);
    expect(await resolveMappingUsers(exchange.gateway)).toBe(1);
    expect((await mappingRow(made.mapping.sid)).microsoftObjectId).toBe(user.objectId);
    await exchange.say(customer, user, `${PHONE} Hello`);
    expect(await exchange.messages(made.provider)).toHaveLength(1);
  });

  test('is looked up when a text arrives before that', async () => {
    const user = exchange.microsoft.addUser({ tenantId: customer.bot.tenantId });
    const made = await early(user.userPrincipalName);
    await createBot(made);
    await exchange.restcomm.receiveSms({ from: PHONE, to: made.mapping.externalAddress, body: 'Hello' });
    const [message] = await exchange.messages(made.provider);
    await exchange.ends(made.provider, message?.sid, 'DELIVERED');
    expect((await mappingRow(made.mapping.sid)).microsoftObjectId).toBe(user.objectId);
  });

  test('of an unknown user is logged and looked up again later, not at once', async () => {
    const made = await early('stranger@contoso.example');
    await createBot(made);
    const before = exchange.microsoft.requests.length;
    expect(await resolveMappingUsers(exchange.gateway)).toBe(0);
    const asked = exchange.microsoft.requests.length;
    expect(asked).toBeGreaterThan(before);
    await resolveMappingUsers(exchange.gateway);
    expect(exchange.microsoft.requests.length).toBe(asked);
    expect(exchange.logged.some((line) => line.includes(made.mapping.sid) && line.includes('not a user'))).toBe(true);
  });

  test('whose bot gets no token does not delay others, and is looked up again once the secret is corrected', async () => {
    const user = exchange.microsoft.addUser({ tenantId: customer.bot.tenantId });
    const broken = await early(user.userPrincipalName);
    const bot = await createBot(broken, { clientSecret: 'wrong' });
    const fine = await early(user.userPrincipalName);
    await createBot(fine);
    expect(await resolveMappingUsers(exchange.gateway)).toBe(1);
    expect((await mappingRow(broken.mapping.sid)).microsoftObjectId).toBeNull();
    await done(broken.provider, 'updateBot', { sid: bot.sid, clientSecret: customer.bot.clientSecret });
    expect(await resolveMappingUsers(exchange.gateway)).toBe(1);
    expect((await mappingRow(broken.mapping.sid)).microsoftObjectId).toBe(user.objectId);
  });
});

describe('a bot', () => {
  test('that gets another application looks up its users and opens its conversations again', async () => {
    const own = await exchange.customer();
    await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'by the first'), 'DELIVERED');
    const next = exchange.microsoft.addBot();
    const user = exchange.microsoft.addUser({ tenantId: next.tenantId, userPrincipalName: own.user.userPrincipalName });
    const { applicationId, tenantId, clientSecret } = next;
    await done(own.provider, 'updateBot', { sid: own.botSid, applicationId, tenantId, clientSecret });
    await exchange.ends(own.provider, await exchange.text(own, own, PHONE, 'by the second'), 'DELIVERED');
    expect(exchange.microsoft.activities.at(-1)).toMatchObject({ applicationId, objectId: user.objectId });
  });

  const verify = ({ provider, botSid }: Customer, sid = botSid) => verifyBot({ provider, botSid: sid });

  test('is verified step by step: everything passes', async () => {
    const steps = ['IDS', 'TOKEN', 'GRAPH', 'CATALOG', 'CONNECTOR', 'ENDPOINT'].map((step) => ({ step, passed: true, cure: null }));
    expect(await verify(await readyCustomer(exchange))).toMatchObject({ passed: true, checks: steps });
  });

  test.each<[string, (of: Customer) => void, string[]]>([
    ['its secret is wrong', ({ bot }) => Object.assign(bot, { clientSecret: 'another' }), ['TOKEN', 'GRAPH', 'CONNECTOR']],
    ['it must not read users', ({ bot }) => bot.permissions.splice(0), ['GRAPH']],
    ['it must not install its app', ({ bot }) => bot.permissions.splice(1, 1), ['GRAPH']],
    ['it is not registered', ({ bot }) => Object.assign(bot, { registered: false }), ['CONNECTOR']],
  ])('is verified step by step: %s', async (_what, spoil, failing) => {
    const own = await exchange.customer();
    spoil(own);
    const { passed, checks } = await verify(own);
    expect(passed).toBe(false);
    for (const check of checks) {
      expect(check.passed, check.step).toBe(!['CATALOG', ...failing].includes(check.step));
      if (!check.passed) expect(check.message).toMatch(/\S/);
    }
    expect(JSON.stringify(checks)).not.toContain(own.bot.clientSecret);
  });

  test('of another organization cannot be verified', async () => {
    const other = await exchange.customer();
    expect(await verify(other, customer.botSid)).toMatchObject({ code: 'BOT_NOT_FOUND' });
  });
});
