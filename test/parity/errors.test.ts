import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashPassword } from '../../src/domain/passwords.ts';
import { accountSid } from '../../src/domain/values/sid.ts';
import type { Provider, TestGateway } from '../support/gateway.ts';
import { REFUSAL, type RecordingRestcomm } from '../support/recording-restcomm.ts';
import { done, expectRefusal, fresh, inGraph, newBot, newEnterprise, newMapping, refusals, unknownSid } from './faces.ts';
import { createTwoProviders } from './two-providers.ts';

// REST.md's table of errors, row by row, each through both faces: what the platform, a name, an admin or the state of an object refuses.

let restcomm: RecordingRestcomm;
let gateway: TestGateway;
let provider: Provider;
let other: Provider;
let kohl: string;
let closed: string;
beforeAll(async () => {
  ({ restcomm, gateway, provider, other, kohl } = await createTwoProviders());
  closed = (await done(provider, 'createEnterprise', newEnterprise())).sid;
  await done(provider, 'closeEnterprise', { sid: closed });
});
afterAll(() => gateway.close());

describe('452 has the platform’s message', () => {
  test.each([
    ['createEnterprise', 'createSubAccount', async () => newEnterprise()],
    ['updateEnterprise', 'setAccountStatus', async () => ({ sid: kohl, status: 'INACTIVE' })],
    [
      'closeEnterprise',
      'setAccountStatus',
      async () => ({ sid: (await done(provider, 'createEnterprise', newEnterprise())).sid as string }),
    ],
    ['createMapping', 'enableSms', async () => newMapping(kohl)],
    [
      'updateMapping',
      'enableSms',
      async () => ({ sid: (await done(provider, 'createMapping', newMapping(kohl))).sid, externalAddress: fresh.number() }),
    ],
    ['deleteMapping', 'disableSms', async () => ({ sid: (await done(provider, 'createMapping', newMapping(kohl))).sid as string })],
  ] as const)('%s, if it refuses %s', async (operation, call, prepare) => {
    const input = await prepare();
    restcomm.refuse(call);
    await expectRefusal(provider, operation, input, 'PLATFORM_ERROR', { message: REFUSAL });
    restcomm.reset();
    expect((await inGraph(provider, operation, input)).code).toBeUndefined();
  });

  test('of Microsoft, which does not know the bot', async () => {
    const { sid } = await done(provider, 'createEnterprise', newEnterprise());
    await done(provider, 'createBot', newBot(sid, { clientSecret: 'invalid' }));
    const message = 'AADSTS7000215: Invalid client secret provided.';
    await expectRefusal(provider, 'createMapping', newMapping(sid), 'PLATFORM_ERROR', { message });
  });
});

describe('4050, a name that is taken', () => {
  test('in any case and composition, by a new enterprise and by a rename', async () => {
    await done(provider, 'createEnterprise', newEnterprise({ name: 'Café Élan' }));
    const { sid } = await done(provider, 'createEnterprise', newEnterprise());
    for (const name of ['Café Élan', 'CAFÉ éLAN', 'cafe\u0301 e\u0301lan']) {
      const expected = { value: name, path: ['name'] };
      await expectRefusal(provider, 'createEnterprise', newEnterprise({ name }), 'ENTERPRISE_NAME_NOT_UNIQUE', expected);
      await expectRefusal(provider, 'updateEnterprise', { sid, name }, 'ENTERPRISE_NAME_NOT_UNIQUE', expected);
    }
  });

  test('does not call the platform', async () => {
    restcomm.reset();
    await inGraph(provider, 'createEnterprise', newEnterprise({ name: 'kohl' }));
    expect(restcomm.calls).toEqual([]);
  });

  test('is free in another organization, for the enterprise itself, and once its enterprise is CLOSED', async () => {
    await done(other, 'createEnterprise', newEnterprise({ name: 'KOHL' }));
    const own = await done(provider, 'updateEnterprise', { sid: kohl, name: 'KOHL' });
    expect(own.name).toBe('KOHL');
    const { sid, name } = await done(provider, 'createEnterprise', newEnterprise());
    await done(provider, 'closeEnterprise', { sid });
    await done(provider, 'createEnterprise', newEnterprise({ name }));
    const renamed = await done(provider, 'createEnterprise', newEnterprise());
    await done(provider, 'closeEnterprise', { sid: renamed.sid });
    expect((await done(provider, 'updateEnterprise', { sid: kohl, name: renamed.name })).name).toBe(renamed.name);
  });
});

describe('4001, an e-mail of an existing admin', () => {
  test('in any case, of an open enterprise', async () => {
    const emailId = fresh.email();
    const { sid } = await done(provider, 'createEnterprise', newEnterprise({ enterpriseAdmin: { email: emailId, password: 'x' } }));
    const taken = emailId.toUpperCase();
    const again = () => newEnterprise({ enterpriseAdmin: { email: taken, password: 'x' } });
    const expected = { value: taken, path: ['enterpriseAdmin', 'email'] };
    await expectRefusal(provider, 'createEnterprise', again(), 'EMAIL_NOT_UNIQUE', expected);
    await done(provider, 'closeEnterprise', { sid });
    await done(provider, 'createEnterprise', again());
  });

  test('but an account that exists only on the platform is linked, and its password is unchanged', async () => {
    const emailId = 'old@newcomer.example';
    await restcomm.createSubAccount({ email: emailId, password: 'the right one', friendlyName: 'There before' });
    restcomm.reset();
    const { admin } = await done(
      provider,
      'createEnterprise',
      newEnterprise({ enterpriseAdmin: { email: emailId, password: 'a wrong one' } }),
    );
    expect(admin).toMatchObject({ email: emailId, accountSid: accountSid(emailId), status: 'ACTIVE' });
    // The one call is the one that leaves an existing account's password as it is.
    expect(restcomm.calls).toEqual([['createSubAccount', emailId]]);
    const row = await gateway.gateway.prisma.enterpriseAdmin.findUniqueOrThrow({ where: { sid: admin.sid } });
    expect(row.passwordHash).toBeNull();
  });

  test('and in another organization the account is linked too', async () => {
    const emailId = fresh.email();
    const input = () => newEnterprise({ enterpriseAdmin: { email: emailId, password: 'a-long-password' } });
    const here = await done(provider, 'createEnterprise', input());
    const there = await done(other, 'createEnterprise', input());
    expect(there.admin.accountSid).toBe(here.admin.accountSid);
    expect(there.admin.sid).not.toBe(here.admin.sid);
  });

  test('a new account stores only a hash of its password', async () => {
    const enterpriseAdmin = { email: 'new@newcomer.example', password: 'a-long-password' };
    const { admin } = await done(provider, 'createEnterprise', newEnterprise({ enterpriseAdmin }));
    const row = await gateway.gateway.prisma.enterpriseAdmin.findUniqueOrThrow({ where: { sid: admin.sid } });
    expect(row.passwordHash).toMatch(/^\$scrypt\$/);
    expect(row.passwordHash?.length).toBe((await hashPassword('another')).length);
  });
});

describe("a sid that is unknown, malformed or another organization's is not found", () => {
  test('4051, 480 and 481', async () => {
    const theirs = (await done(other, 'createEnterprise', newEnterprise())).sid;
    const mapping = (await done(other, 'createMapping', newMapping(theirs))).sid;
    const bot = (await done(other, 'createBot', newBot(theirs))).sid;
    const ownMapping = (await done(provider, 'createMapping', newMapping(kohl))).sid;
    for (const sid of [theirs, unknownSid('EN'), 'EN1', "'; --", 'é'.repeat(300)]) {
      const expected = { value: sid, path: ['sid'] };
      await expectRefusal(provider, 'updateEnterprise', { sid, name: 'X' }, 'ENTERPRISE_NOT_FOUND', expected);
      await expectRefusal(provider, 'closeEnterprise', { sid }, 'ENTERPRISE_NOT_FOUND', expected);
    }
    for (const enterpriseSid of [theirs, unknownSid('EN'), 'EN1']) {
      const expected = { value: enterpriseSid, path: ['enterpriseSid'] };
      await expectRefusal(provider, 'createMapping', newMapping(enterpriseSid), 'ENTERPRISE_NOT_FOUND', expected);
      await expectRefusal(provider, 'updateMapping', { sid: ownMapping, enterpriseSid }, 'ENTERPRISE_NOT_FOUND', expected);
      await expectRefusal(provider, 'createBot', newBot(enterpriseSid), 'ENTERPRISE_NOT_FOUND', expected);
    }
    for (const sid of [mapping, unknownSid('BE'), 'BE1']) {
      const expected = { value: sid, path: ['sid'] };
      await expectRefusal(provider, 'updateMapping', { sid, name: 'X' }, 'MAPPING_NOT_FOUND', expected);
      await expectRefusal(provider, 'deleteMapping', { sid }, 'MAPPING_NOT_FOUND', expected);
    }
    for (const sid of [bot, unknownSid('BE'), 'BE1']) {
      const expected = { value: sid, path: ['sid'] };
      await expectRefusal(provider, 'updateBot', { sid, tenantId: 'X' }, 'BOT_NOT_FOUND', expected);
      await expectRefusal(provider, 'deleteBot', { sid }, 'BOT_NOT_FOUND', expected);
    }
    // PostgreSQL takes no NUL.
    const expected = { value: 'EN\uFFFD', path: ['sid'] };
    await expectRefusal(provider, 'closeEnterprise', { sid: 'EN\0' }, 'ENTERPRISE_NOT_FOUND', expected);
    await expectRefusal(provider, 'deleteMapping', { sid: 'EN\0' }, 'MAPPING_NOT_FOUND', expected);
    await expectRefusal(provider, 'updateBot', { sid: 'EN\0', tenantId: 'X' }, 'BOT_NOT_FOUND', expected);
  });

  test.each([
    ['enterprise', 'ENTERPRISE_NOT_FOUND', '/msteams/enterprises/search/', 'EN'],
    ['mapping', 'MAPPING_NOT_FOUND', '/msteams/mappings/search/', 'BE'],
    ['bot', 'BOT_NOT_FOUND', '/msteams/teamsbot/search/', 'BE'],
    ['message', 'MESSAGE_NOT_FOUND', '/msteams/messages/search/', 'MS'],
  ] as const)('%s: null in the graph, %s in the contract', async (field, code, path, prefix) => {
    const { errorCode, status, message } = refusals[code];
    for (const sid of [unknownSid(prefix), `${prefix}1`, `${prefix}\0`, unknownSid(prefix).toUpperCase()]) {
      const inGraph = await provider.graph(`query ($sid: ID!) { ${field}(sid: $sid) { sid } }`, { sid });
      expect(inGraph).toMatchObject({ status: 200, data: { [field]: null } });
      expect(inGraph.errors).toBeUndefined();
      const { status: answered, body } = await provider.rest.get(path + encodeURIComponent(sid));
      expect({ status: answered, ...body }).toEqual({ status, errorCode, message, data: sid });
    }
  });
});

test('4052, an enterprise that has mappings is not closed', async () => {
  const { sid } = await done(provider, 'createEnterprise', newEnterprise());
  const mapping = await done(provider, 'createMapping', newMapping(sid));
  await expectRefusal(provider, 'closeEnterprise', { sid }, 'ENTERPRISE_HAS_MAPPINGS', { value: sid, path: ['sid'] });
  await done(provider, 'deleteMapping', { sid: mapping.sid });
  expect((await done(provider, 'closeEnterprise', { sid })).status).toBe('CLOSED');
});

test('4053, a CLOSED enterprise is not changed and gets no mapping and no bot', async () => {
  const refuse = (operation: Parameters<typeof expectRefusal>[1], input: Record<string, unknown>, field: string, sid: string) =>
    expectRefusal(provider, operation, input, 'ENTERPRISE_CLOSED', { value: sid, path: [field] });
  await refuse('updateEnterprise', { sid: closed, name: 'Open again' }, 'sid', closed);
  await refuse('updateEnterprise', { sid: closed, status: 'ACTIVE' }, 'sid', closed);
  await refuse('closeEnterprise', { sid: closed }, 'sid', closed);
  await refuse('createMapping', newMapping(closed), 'enterpriseSid', closed);
  await refuse('createBot', newBot(closed), 'enterpriseSid', closed);
  const mapping = await done(provider, 'createMapping', newMapping(kohl));
  await refuse('updateMapping', { sid: mapping.sid, enterpriseSid: closed }, 'enterpriseSid', closed);
  const enterprise = await done(provider, 'createEnterprise', newEnterprise());
  const bot = await done(provider, 'createBot', newBot(enterprise.sid));
  await refuse('updateBot', { sid: bot.sid, enterpriseSid: closed }, 'enterpriseSid', closed);
  await done(provider, 'closeEnterprise', { sid: enterprise.sid });
  await refuse('updateBot', { sid: bot.sid, tenantId: 'other' }, 'enterpriseSid', enterprise.sid);
});

test('483, an enterprise has one bot', async () => {
  const { sid } = await done(provider, 'createEnterprise', newEnterprise());
  const first = await done(provider, 'createBot', newBot(sid));
  const expected = { value: sid, path: ['enterpriseSid'] };
  await expectRefusal(provider, 'createBot', newBot(sid), 'BOT_EXISTS', expected);
  const second = await done(provider, 'createBot', newBot((await done(provider, 'createEnterprise', newEnterprise())).sid));
  await expectRefusal(provider, 'updateBot', { sid: second.sid, enterpriseSid: sid }, 'BOT_EXISTS', expected);
  await done(provider, 'deleteBot', { sid: first.sid });
  expect((await done(provider, 'updateBot', { sid: second.sid, enterpriseSid: sid })).enterpriseSid).toBe(sid);
});
