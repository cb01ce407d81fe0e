import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Provider, TestGateway } from '../support/gateway.ts';
import { done, expectRefusal, fresh, inContractWords, inGraph, inRest, newBot, newEnterprise, newMapping, unknownSid } from './faces.ts';
import { createTwoProviders } from './two-providers.ts';

// REST.md's errors about missing and invalid parameters, each through both faces.

let gateway: TestGateway;
let provider: Provider;
let kohl: string;
beforeAll(async () => {
  ({ gateway, provider, kohl } = await createTwoProviders());
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
