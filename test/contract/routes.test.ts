import { describe, expect, test } from 'vitest';
import { enterprise, mapping, message, stubContract, successes } from './stub-graph.ts';

/** REST.md's table of operations: what the graph must be asked, and every way to ask for it. */
const bases = {
  enterprise: ['/msteams/enterprises', '/msteams/enterprise'],
  mapping: ['/msteams/mappings', '/msteams/teams/mappings'],
  bot: ['/msteams/teamsbot', '/msteams/teamsbot/details', '/mxteams/teamsbot', '/mxteams/teamsbot/details'],
  message: ['/msteams/messages'],
};
const sid = `BE${'0'.repeat(32)}`;
const operations: readonly [field: string, method: string, base: keyof typeof bases, rest: string, status: number][] = [
  ['createEnterprise', 'POST', 'enterprise', '', 201],
  ['updateEnterprise', 'PUT', 'enterprise', `/${sid}`, 200],
  ['closeEnterprise', 'DELETE', 'enterprise', `/${sid}`, 200],
  ['enterprises', 'GET', 'enterprise', '/search', 200],
  ['enterprise', 'GET', 'enterprise', `/search/${sid}`, 200],
  ['createMapping', 'POST', 'mapping', '', 200],
  ['updateMapping', 'PUT', 'mapping', `/${sid}`, 200],
  ['deleteMapping', 'DELETE', 'mapping', `/${sid}`, 200],
  ['mappings', 'GET', 'mapping', '/search', 200],
  ['mapping', 'GET', 'mapping', `/search/${sid}`, 200],
  ['createBot', 'POST', 'bot', '', 200],
  ['updateBot', 'PUT', 'bot', `/${sid}`, 200],
  ['updateBot', 'POST', 'bot', `/${sid}`, 200],
  ['deleteBot', 'DELETE', 'bot', `/${sid}`, 200],
  ['bots', 'GET', 'bot', '/search', 200],
  ['bot', 'GET', 'bot', `/search/${sid}`, 200],
  ['messages', 'GET', 'message', '/search', 200],
  ['message', 'GET', 'message', `/search/${sid}`, 200],
];
const every = operations.flatMap(([field, method, base, rest, status]) =>
  bases[base].flatMap((path) => ['', '/'].map((slash) => ({ field, method, path: path + rest + slash, status, rest }))),
);

describe('a path', () => {
  test.each(every)('$method $path is $field', async ({ field, method, path, status, rest }) => {
    const { rest: client, asked } = stubContract(successes);
    const answer = await client.request(method, path);
    expect(answer).toMatchObject({ status, body: { code: 200, message: 'OK' } });
    expect(asked.map((one) => one.field)).toEqual([field]);
    expect(answer.headers.get('location')).toBe(status === 201 ? `/msteams/enterprises/search/${enterprise.sid}` : null);
    if (rest.includes(sid)) expect(JSON.stringify(asked[0]?.args)).toContain(sid);
  });

  test('of another resource, of none, or with an empty segment is not found', async () => {
    const { rest, asked } = stubContract(successes);
    for (const path of [
      '/msteams',
      '/msteams/',
      '/mxteams/enterprises',
      '/msteams/enterprises/search/a/b',
      '/msteams/enterprises//search',
      '/msteams/enterprises/search//',
      '/msteams/messages',
      '/msteams/Enterprises/search',
      '/msteams/mappings/details/search',
    ]) {
      expect(await rest.get(path), path).toMatchObject({ status: 404, body: { errorCode: '404', message: 'Not Found' } });
    }
    expect(asked).toEqual([]);
  });

  test.each([
    ['GET', '/msteams/enterprises', 'POST'],
    ['POST', '/msteams/enterprises/search', 'GET, HEAD'],
    ['PATCH', '/msteams/enterprises/EN1', 'PUT, DELETE'],
    ['OPTIONS', '/msteams/teamsbot/BE1', 'PUT, POST, DELETE'],
    ['PUT', '/mxteams/teamsbot/details', 'POST'],
    ['DELETE', '/msteams/teamsbot/search/', 'GET, HEAD'],
    ['DELETE', '/msteams/messages/search/MS1', 'GET, HEAD'],
  ])('does not allow %s %s, and names the allowed methods', async (method, path, allow) => {
    const answer = await stubContract(successes).rest.request(method, path);
    expect(answer).toMatchObject({ status: 405, body: { errorCode: '405', message: 'Method Not Allowed' } });
    expect(answer.headers.get('allow')).toBe(allow);
  });

  test('answers HEAD like GET, without the body', async () => {
    const { rest, asked } = stubContract(successes);
    expect(await rest.request('HEAD', '/msteams/messages/search')).toMatchObject({ status: 200, body: {} });
    expect(asked).toHaveLength(1);
  });

  test('tells an anonymous caller only how to authenticate', async () => {
    const { anonymous, asked } = stubContract(successes);
    for (const [method, path] of [
      ['GET', '/msteams/enterprises/search'],
      ['POST', '/msteams/enterprises'],
      ['GET', '/msteams/nowhere'],
      ['PATCH', '/mxteams/teamsbot'],
    ] as const) {
      const answer = await anonymous.request(method, path);
      expect(answer).toMatchObject({ status: 401, body: { errorCode: '401', message: 'Unauthorized' } });
      expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm=/);
    }
    expect(asked).toEqual([]);
  });
});

describe('a response', () => {
  test('for an enterprise has the recorded fields', async () => {
    const { body } = await stubContract(successes).rest.get(`/msteams/enterprises/search/${sid}`);
    expect(body.data).toEqual({
      sid: enterprise.sid,
      dateUpdated: '2020-11-06T09:44:33+0000',
      dateCreated: '2020-11-05T11:59:34+0000',
      accountSid: enterprise.accountSid,
      accountEmail: enterprise.accountEmail,
      uri: `/msteams/enterprises/search/${enterprise.sid}`,
      name: 'mac',
      status: 'ACTIVE',
      enterpriseAdminSid: enterprise.admin.sid,
      enterpriseAdminEmail: 'Admin@example.com',
    });
  });

  test('for a mapping has the recorded fields', async () => {
    const { body } = await stubContract(successes).rest.get(`/msteams/mappings/search/${sid}`);
    expect(body.data).toEqual({
      sid: mapping.sid,
      dateUpdated: '2020-11-06T09:44:33+0000',
      dateCreated: '2020-11-05T11:59:34+0000',
      accountSid: mapping.accountSid,
      accountEmail: mapping.accountEmail,
      uri: `/msteams/teams/mappings/search/${mapping.sid}`,
      microsoftAddress: 'sunny@example.com',
      externalAddress: '9090919196768998',
      name: 'sunny',
      enterpriseSid: enterprise.sid,
      enterpriseName: 'mac',
    });
  });

  test('for a message leaves out absent values', async () => {
    const { body } = await stubContract(successes).rest.get(`/msteams/messages/search/${sid}`);
    expect(body.data).toEqual({
      sid: message.sid,
      dateUpdated: '2020-11-06T09:44:33+0000',
      dateCreated: '2020-11-05T11:59:34+0000',
      accountSid: message.accountSid,
      uri: `/msteams/messages/search/${message.sid}`,
      enterpriseSid: enterprise.sid,
      from: 'sunny@example.com',
      to: '56566565',
      direction: 'INBOUND',
      type: 'SMS',
      channelStatus: 'DELIVERED',
    });
  });

  test('for a failed message has the reason', async () => {
    const failed = {
      ...message,
      channelStatus: 'FAILED',
      channelErrorCode: '30003',
      channelErrorMessage: 'Unreachable',
      restcommMessageSid: 'SM1',
    };
    const { rest } = stubContract({ message: () => failed });
    const { body } = await rest.get(`/msteams/messages/search/${sid}`);
    expect(body.data).toMatchObject({ channelErrorCode: '30003', channelErrorMessage: 'Unreachable', restcommMessageSid: 'SM1' });
  });

  test.each([
    ['plain', ['read', 'secrets'], 'a secret 9876'],
    ['masked', ['read', 'secrets'], '••••9876'],
    // A caller that may not read secrets still gets the bot, with its secret masked.
    ['plain', ['read'], '••••9876'],
  ] as const)(
    'for a bot has all documented fields, with its secret %s for %j under both spellings',
    async (restBotSecrets, permissions, secret) => {
      const { rest } = stubContract(successes, { restBotSecrets, permissions });
      const { body } = await rest.get<object>(`/msteams/teamsbot/search/${sid}`);
      expect(body.data).toMatchObject({ clientsecret: secret, clientSecret: secret });
      expect(Object.keys(body.data ?? {}).sort()).toEqual(
        [
          ...['sid', 'enterpriseSid', 'enterpriseName', 'accountSid', 'accountEmail', 'dateCreated', 'dateUpdated', 'uri'],
          ...['applicationId', 'tenantId', 'clientsecret', 'clientSecret', 'botAppId'],
        ].sort(),
      );
    },
  );

  test.each([
    ['POST', '/msteams/mappings', 'Thu Nov 05 11:59:34 UTC 2020'],
    ['PUT', `/msteams/mappings/${sid}`, '2020-11-05 11:59:34.0'],
    ['DELETE', `/msteams/mappings/${sid}`, '2020-11-05 11:59:34.0'],
    ['GET', `/msteams/mappings/search/${sid}`, '2020-11-05 11:59:34.0'],
    ['GET', `/msteams/messages/search/${sid}`, '2020-11-05 11:59:34.0'],
    ['POST', '/msteams/enterprises', '2020-11-05T11:59:34+0000'],
    ['GET', `/msteams/enterprises/search/${sid}`, '2020-11-05T11:59:34+0000'],
    ['GET', `/msteams/teamsbot/search/${sid}`, '2020-11-05T11:59:34+0000'],
  ])('to %s %s in recorded form was created %s', async (method, path, dateCreated) => {
    const { rest } = stubContract(successes, { restTimestamps: 'recorded' });
    expect((await rest.request(method, path)).body.data).toMatchObject({ dateCreated });
  });
});
