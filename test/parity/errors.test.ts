import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashPassword } from '../../src/domain/passwords.ts';
import { accountSid } from '../../src/domain/values/sid.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { createRecordingRestcomm, REFUSAL, type RecordingRestcomm } from '../support/recording-restcomm.ts';
import {
  done,
  expectRefusal,
  fresh,
  inContractWords,
  inGraph,
  inRest,
  newBot,
  newEnterprise,
  newMapping,
  refusals,
  unknownSid,
} from './faces.ts';

// REST.md's table of errors, row by row, each through both faces.

let restcomm: RecordingRestcomm;
let gateway: TestGateway;
let provider: Provider;
let other: Provider;
let kohl: string;
let closed: string;

beforeAll(async () => {
  restcomm = createRecordingRestcomm();
  gateway = await createTestGateway({ platforms: { restcomm } });
  [provider, other] = [await gateway.provider(), await gateway.provider()];
  kohl = (await done(provider, 'createEnterprise', newEnterprise({ name: 'Kohl' }))).sid;
  closed = (await done(provider, 'createEnterprise', newEnterprise())).sid;
  await done(provider, 'closeEnterprise', { sid: closed });
});
afterAll(() => gateway.close());

describe('451 names every mandatory parameter that is missing', () => {
  const admin = { email: 'admin@kohl.example', password: 'a-long-password' };
  const complete = {
    createEnterprise: { name: 'Other', enterpriseAdmin: admin },
    createMapping: { microsoftAddress: 'ann@kohl.example', externalAddress: '+4930123', enterpriseSid: unknownSid('EN') },
    createBot: newBot(unknownSid('EN')),
  };
  const mandatory = [
    ['createEnterprise', 'name'],
    ['createEnterprise', 'enterpriseAdmin.email'],
    ['createEnterprise', 'enterpriseAdmin.password'],
    ['createMapping', 'microsoftAddress'],
    ['createMapping', 'externalAddress'],
    ['createMapping', 'enterpriseSid'],
    ['createBot', 'enterpriseSid'],
    ['createBot', 'applicationId'],
    ['createBot', 'tenantId'],
    ['createBot', 'clientSecret'],
    ['createBot', 'botAppId'],
  ] as const;

  /** The input with what is at the path replaced. */
  function replaced(input: object, path: readonly string[], value: unknown): Record<string, unknown> {
    const [key = '', ...rest] = path;
    const inner = (input as Record<string, unknown>)[key];
    return { ...input, [key]: rest.length > 0 ? replaced(inner as object, rest, value) : value };
  }

  test.each(mandatory)('%s: %s', async (operation, parameter) => {
    const path = parameter.split('.');
    const message = `Mandatory parameter ${parameter} is missing.`;
    for (const blank of ['', ' \r\n ']) {
      await expectRefusal(provider, operation, replaced(complete[operation], path, blank), 'MISSING_PARAMETER', { message, path });
    }
    for (const absent of [undefined, null]) {
      const { status, body } = await inRest(provider, operation, replaced(complete[operation], path, absent));
      expect({ status, ...body }).toEqual({ status: 400, errorCode: '451', message: inContractWords(message) });
    }
  });

  test.each([
    ['createEnterprise', 'name,enterpriseAdmin.email,enterpriseAdmin.password', { name: '', enterpriseAdmin: { email: '', password: '' } }],
    ['createMapping', 'microsoftAddress,externalAddress,enterpriseSid', { microsoftAddress: '', externalAddress: '', enterpriseSid: '' }],
    [
      'createBot',
      'enterpriseSid,applicationId,tenantId,clientSecret,botAppId',
      { enterpriseSid: '', applicationId: '', tenantId: '', clientSecret: '', botAppId: '' },
    ],
  ] as const)('%s: %s at once', async (operation, parameters, blank) => {
    const path = [parameters.split(',')[0] as string];
    const message = `Mandatory parameter ${parameters} is missing.`;
    await expectRefusal(provider, operation, blank, 'MISSING_PARAMETER', { message, path, restInput: {} });
  });

  test('before invalid values', async () => {
    const input = { name: '', enterpriseAdmin: { email: 'no e-mail', password: '' } };
    const message = 'Mandatory parameter name,enterpriseAdmin.password is missing.';
    await expectRefusal(provider, 'createEnterprise', input, 'MISSING_PARAMETER', { message, path: ['name'] });
  });
});

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

describe('482, a number that is mapped', () => {
  test('across organizations, in any notation, by a new mapping and by a change', async () => {
    const enterpriseSid = (await done(other, 'createEnterprise', newEnterprise())).sid;
    const { externalAddress } = await done(other, 'createMapping', newMapping(enterpriseSid));
    const digits = externalAddress.slice(1);
    const { sid } = await done(provider, 'createMapping', newMapping(kohl));
    restcomm.reset();
    for (const number of [externalAddress, digits, `00${digits}`, `+${digits.slice(0, 2)} (${digits.slice(2, 4)}) ${digits.slice(4)}`]) {
      const expected = { value: number, path: ['externalAddress'] };
      await expectRefusal(
        provider,
        'createMapping',
        newMapping(kohl, { externalAddress: number }),
        'EXTERNAL_ADDRESS_NOT_UNIQUE',
        expected,
      );
      await expectRefusal(provider, 'updateMapping', { sid, externalAddress: number }, 'EXTERNAL_ADDRESS_NOT_UNIQUE', expected);
    }
    expect(restcomm.calls).toEqual([]);
    expect(restcomm.isSmsEnabled(externalAddress)).toBe(true);
  });

  test('a mapping’s own number may be written differently, and a deleted one is free', async () => {
    const { sid, externalAddress } = await done(provider, 'createMapping', newMapping(kohl));
    restcomm.reset();
    expect((await done(provider, 'updateMapping', { sid, externalAddress: externalAddress.slice(1) })).externalAddress).toBe(
      externalAddress.slice(1),
    );
    expect(restcomm.calls).toEqual([]);
    await done(provider, 'deleteMapping', { sid });
    await done(other, 'createMapping', newMapping((await done(other, 'createEnterprise', newEnterprise())).sid, { externalAddress }));
  });

  test('one Microsoft address may have several numbers', async () => {
    const microsoftAddress = fresh.user();
    const enterprise = { microsoftAddress };
    const [one, two] = [newMapping(kohl, enterprise), newMapping(kohl, enterprise)];
    await done(provider, 'createMapping', one);
    await done(provider, 'createMapping', two);
  });
});

describe('485, a Microsoft address', () => {
  const refuse = (input: Record<string, unknown>, value: string) =>
    expectRefusal(
      provider,
      'sid' in input ? 'updateMapping' : 'createMapping',
      { ...input, microsoftAddress: value },
      'MICROSOFT_ADDRESS_INVALID',
      {
        value,
        path: ['microsoftAddress'],
      },
    );

  test('that is malformed', async () => {
    const { sid } = await done(provider, 'createMapping', newMapping(kohl));
    for (const address of ['kohl', 'ann@', '@kohl.example', 'ann@kohl', 'ann lee@kohl.example', 'a@b@kohl.example', '12345678-1234']) {
      await refuse(newMapping(kohl), address);
      await refuse({ sid }, address);
    }
  });

  test("that is not a user of the tenant of the enterprise's bot, once it has one", async () => {
    const enterpriseSid = (await done(provider, 'createEnterprise', newEnterprise())).sid;
    const before = await done(provider, 'createMapping', newMapping(enterpriseSid, { microsoftAddress: 'ann@other.invalid' }));
    await done(provider, 'createBot', newBot(enterpriseSid));
    await refuse(newMapping(enterpriseSid), 'ben@other.invalid');
    await refuse({ sid: before.sid }, 'ben@other.invalid');
    // What was mapped before stays usable, but can't move to another enterprise with a bot.
    expect((await done(provider, 'updateMapping', { sid: before.sid, name: 'Ann' })).name).toBe('Ann');
    const withBot = (await done(provider, 'createEnterprise', newEnterprise())).sid;
    await done(provider, 'createBot', newBot(withBot));
    const expected = { value: 'ann@other.invalid', path: ['microsoftAddress'] };
    await expectRefusal(provider, 'updateMapping', { sid: before.sid, enterpriseSid: withBot }, 'MICROSOFT_ADDRESS_INVALID', expected);
  });

  test('enables no number', async () => {
    restcomm.reset();
    await inGraph(provider, 'createMapping', newMapping(kohl, { microsoftAddress: 'malformed' }));
    expect(restcomm.calls).toEqual([]);
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

describe('450, a parameter of the wrong form', () => {
  const invalid = (parameter: string, why: string) => ({
    message: `Parameter ${parameter} is invalid: ${why}`,
    path: parameter.split('.'),
  });

  test('a status that only closing can set', async () => {
    for (const [name, input] of [
      ['updateEnterprise', { sid: kohl, status: 'CLOSED' }],
      ['createEnterprise', newEnterprise({ status: 'CLOSED' })],
    ] as const) {
      const data = name === 'createEnterprise' ? { data: 'CLOSED' } : 'CLOSED';
      const { status, body } = await inRest(provider, name, input);
      const message = 'Parameter status is invalid: must be ACTIVE or INACTIVE';
      expect({ status, ...body }).toEqual({ status: 400, errorCode: '450', message, data });
      // The graph's type does not have it.
      await expect(inGraph(provider, name, input)).rejects.toThrow('does not exist in \\"OpenEnterpriseStatus\\" enum');
    }
  });

  test('a number of 2 or 19 digits, or with other characters', async () => {
    const { sid } = await done(provider, 'createMapping', newMapping(kohl));
    for (const value of [
      '12',
      '1'.repeat(19),
      '++4930123',
      '٣٠١٢٣',
      '１２３４５',
      'tel:+4930123',
      '4930123;ext=1',
      '-4930123',
      '4930/123',
      '4930123x',
      '4930\n123',
      '4930\u200b123',
      '+(-)',
    ]) {
      const expected = { ...invalid('externalAddress', 'must be 3 to 18 digits with an optional leading +'), value };
      await expectRefusal(provider, 'createMapping', newMapping(kohl, { externalAddress: value }), 'INVALID_PARAMETER', expected);
      await expectRefusal(provider, 'updateMapping', { sid, externalAddress: value }, 'INVALID_PARAMETER', expected);
    }
    await done(provider, 'createMapping', newMapping(kohl, { externalAddress: '1'.repeat(18) }));
    await done(provider, 'createMapping', newMapping(kohl, { externalAddress: '+112' }));
  });

  test('an invalid e-mail', async () => {
    const input = newEnterprise({ enterpriseAdmin: { email: 'nobody', password: 'x' } });
    const expected = { ...invalid('enterpriseAdmin.email', 'must be an e-mail address'), value: 'nobody' };
    await expectRefusal(provider, 'createEnterprise', input, 'INVALID_PARAMETER', expected);
  });

  test('text that is too long or has a NUL', async () => {
    const long = 'x'.repeat(256);
    const tooLong = { ...invalid('name', 'must have at most 255 characters'), value: long };
    await expectRefusal(provider, 'createEnterprise', newEnterprise({ name: long }), 'INVALID_PARAMETER', tooLong);
    await expectRefusal(provider, 'updateEnterprise', { sid: kohl, name: long }, 'INVALID_PARAMETER', tooLong);
    await expectRefusal(provider, 'createMapping', newMapping(kohl, { name: long }), 'INVALID_PARAMETER', tooLong);
    const nul = { ...invalid('name', 'must not contain NUL'), value: 'a\0b' };
    await expectRefusal(provider, 'createEnterprise', newEnterprise({ name: 'a\0b' }), 'INVALID_PARAMETER', nul);
  });

  test('a blank value in an update, only in the graph: in the contract it is absent', async () => {
    const input = { sid: kohl, name: '  ' };
    const refusal = { code: 'INVALID_PARAMETER', message: 'Parameter name is invalid: must not be empty', value: '  ' };
    expect(await inGraph(provider, 'updateEnterprise', input)).toMatchObject(refusal);
    const { name } = (await provider.graph(`{ enterprise(sid: "${kohl}") { name } }`)).data.enterprise;
    expect(await inRest(provider, 'updateEnterprise', input)).toMatchObject({ status: 200, body: { data: { name } } });
  });

  test('a malformed secret is not repeated', async () => {
    const clientSecret = 's'.repeat(1025);
    const bot = newBot(kohl, { clientSecret });
    const inGraphs = JSON.stringify(await inGraph(provider, 'createBot', bot));
    const inContract = JSON.stringify((await inRest(provider, 'createBot', bot)).body);
    const password = newEnterprise({ enterpriseAdmin: { email: fresh.email(), password: clientSecret } });
    const ofAdmin = JSON.stringify([
      await inGraph(provider, 'createEnterprise', password),
      await inRest(provider, 'createEnterprise', password),
    ]);
    for (const text of [inGraphs, inContract, ofAdmin]) {
      expect(text).toContain('must have at most 1024 characters');
      expect(text).not.toContain('ssss');
    }
  });

  test.each([
    ['enterprises/search?status=OPEN', 'status', 'must be one of ACTIVE, INACTIVE, CLOSED', 'OPEN'],
    ['messages/search?type=FAX', 'type', 'must be one of SMS, MMS', 'FAX'],
    ['messages/search?direction=UP', 'direction', 'must be one of INBOUND, OUTBOUND', 'UP'],
    ['enterprises/search?startTime=2020-02-30', 'startTime', 'must be a date like 2018-10-05 or 2018-10-05T22:45:32+0000', '2020-02-30'],
    ['messages/search?endTime=now', 'endTime', 'must be a date like 2018-10-05 or 2018-10-05T22:45:32+0000', 'now'],
    ['mappings/search?page=-1', 'page', 'must be an integer from 0 to 2147483647', '-1'],
    ['teamsbot/search?pageSize=1001', 'pageSize', 'must be an integer from 1 to 1000', '1001'],
    ['teamsbot/search?pageSize=0', 'pageSize', 'must be an integer from 1 to 1000', '0'],
    ['teamsbot/search?pageSize=ten', 'pageSize', 'must be an integer from 1 to 1000', 'ten'],
    ['enterprises/search?sortBy=domain', 'sortBy', 'attribute must be one of name, dateCreated', 'domain'],
    ['mappings/search?sortBy=name:up', 'sortBy', 'direction must be asc or desc', 'name:up'],
  ])('of a list: GET %s', async (path, parameter, why, data) => {
    const { status, body } = await provider.rest.get(`/msteams/${path}`);
    expect({ status, ...body }).toEqual({ status: 400, errorCode: '450', message: `Parameter ${parameter} is invalid: ${why}`, data });
  });

  test.each([
    ['first: 101', 'first', 'must be from 0 to 100', '101'],
    ['first: -1', 'first', 'must be from 0 to 100', '-1'],
    ['last: 101', 'last', 'must be from 0 to 100', '101'],
    ['offset: -1', 'offset', 'must not be negative', '-1'],
    ['after: "nonsense"', 'after', 'is not a cursor of this list', 'nonsense'],
    ['filter: { name: "a\\u0000b" }', 'name', 'must be well-formed text without NUL', 'a\0b'],
  ])('of a list in the graph: %s', async (argument, parameter, why, value) => {
    const { errors } = await provider.graph(`{ enterprises(${argument}) { nodes { sid } } }`);
    expect(errors).toMatchObject([{ message: `Parameter ${parameter} is invalid: ${why}`, extensions: { code: 'INVALID_PARAMETER' } }]);
    expect(errors?.[0]?.extensions?.value).toBe(value);
  });

  test.each(['status: OPEN', 'startTime: 1', 'filter: { createdFrom: "2020-02-30" }', 'orderBy: { field: DOMAIN }'])(
    'that the graph does not have: %s',
    async (argument) => {
      const { errors, data } = await provider.graph(`{ enterprises(${argument}) { nodes { sid } } }`);
      expect(errors?.length).toBeGreaterThan(0);
      expect(data).toBeUndefined();
    },
  );

  test('a sid with a NUL in a filter finds nothing, or is refused, but is not a fault', async () => {
    for (const list of [
      'enterprises/search?name',
      'mappings/search?enterpriseSid',
      'teamsbot/search?enterpriseSid',
      'messages/search?from',
    ]) {
      expect([200, 400]).toContain((await provider.rest.get(`/msteams/${list}=EN%00`)).status);
    }
  });
});
