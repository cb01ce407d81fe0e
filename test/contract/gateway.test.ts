import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { comparedForm } from '../../src/domain/values/phone-numbers.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';

interface Page {
  readonly result: readonly { readonly sid: string; readonly name: string; readonly from: string; readonly to: string }[];
  readonly total: number;
  readonly nextPageUri?: string;
  readonly previousPageUri?: string;
}
interface Entity {
  readonly sid: string;
}

let gateway: TestGateway;
let provider: Provider;
let masked: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
  provider = await gateway.provider();
});
afterAll(() => gateway?.close());

async function enterprise(by: Provider, name: string): Promise<string> {
  const enterpriseAdmin = { emailId: `${encodeURIComponent(name)}@example.com`, password: 'p' };
  const { status, body } = await by.rest.post<Entity>('/msteams/enterprises', { name, enterpriseAdmin });
  expect(status, JSON.stringify(body)).toBe(201);
  return body.data?.sid ?? '';
}

async function names(by: Provider, path: string): Promise<string[]> {
  const { status, body } = await by.rest.get<Page>(path);
  expect(status, JSON.stringify(body)).toBe(200);
  return (body.data?.result ?? []).map((row) => row.name);
}

describe('a list of enterprises', () => {
  let own: Provider;
  beforeAll(async () => {
    own = await gateway.provider();
    const rows = ['Alpha 100%', 'alpha_b', 'BETA', 'gamma\\delta', 'émile'];
    for (const [index, name] of rows.entries()) {
      const sid = await enterprise(own, name);
      // Rows keep milliseconds, answers show none.
      await gateway.database.prisma.enterprise.update({
        where: { sid },
        data: { dateCreated: new Date(`2020-01-0${index + 1}T10:00:00.123Z`) },
      });
      if (name === 'BETA') await own.rest.put(`/msteams/enterprise/${sid}`, { status: 'inactive' });
    }
  });

  test.each([
    ['', ['Alpha 100%', 'alpha_b', 'BETA', 'gamma\\delta', 'émile']],
    ['name=ALPHA', ['Alpha 100%', 'alpha_b']],
    ['name=%25', ['Alpha 100%']],
    ['name=_', ['alpha_b']],
    ['name=%5C', ['gamma\\delta']],
    ['name=%C3%89MI', ['émile']],
    ['Status=inactive', ['BETA']],
    ['startTime=2020-01-03T10:00:00', ['BETA', 'gamma\\delta', 'émile']],
    ['startTime=2020-01-03T10:00:00.124Z', ['gamma\\delta', 'émile']],
    ['endTime=2020-01-02T10:00:00%2B0000', ['Alpha 100%', 'alpha_b']],
    ['endTime=2020-01-02T10:00:00+0000', ['Alpha 100%', 'alpha_b']],
    ['endTime=2020-01-02T09:59:59Z', ['Alpha 100%']],
    ['endTime=2020-01-02', ['Alpha 100%']],
    ['startTime=2020-01-03&endTime=2020-01-02', []],
    ['sortBy=name:desc', ['émile', 'gamma\\delta', 'BETA', 'alpha_b', 'Alpha 100%']],
    ['sortBy=dateCreated:desc&pageSize=2', ['émile', 'gamma\\delta']],
    ['page=1&pageSize=2', ['BETA', 'gamma\\delta']],
    ['page=7', []],
    ['page=2147483647&pageSize=1000', []],
    ['pageSize=1000', ['Alpha 100%', 'alpha_b', 'BETA', 'gamma\\delta', 'émile']],
  ])('with %j contains %j', async (query, expected) => {
    expect(await names(own, `/msteams/enterprises/search?${query}`)).toEqual(expected);
  });

  test('beyond its end says where it ends', async () => {
    const { body } = await own.rest.get('/msteams/enterprises/search?page=7');
    expect(body.data).toMatchObject({ result: [], total: 5, page: 7, numPages: 1, start: 70, end: 4 });
  });
});

describe('a list of messages', () => {
  let own: Provider;
  beforeAll(async () => {
    own = await gateway.provider();
    const enterpriseSid = await enterprise(own, 'messages');
    await gateway.database.prisma.message.createMany({
      data: Array.from({ length: 25 }, (_, index) => {
        const [from, to] = [index % 2 ? `+4930${index}` : `User${index}@example.com`, index % 2 ? 'user@example.com' : `4930${index}`];
        return {
          sid: `MS${index.toString(16).padStart(32, '0')}`,
          organizationSid: own.organizationSid,
          accountSid: own.accountSid,
          enterpriseSid,
          direction: index % 2 ? ('OUTBOUND' as const) : ('INBOUND' as const),
          type: index === 3 ? ('MMS' as const) : ('SMS' as const),
          from,
          fromFolded: comparedForm(from),
          to,
          toFolded: comparedForm(to),
          channelStatus: index === 3 ? ('UNDELIVERED' as const) : index % 2 ? ('QUEUED' as const) : ('DELIVERED' as const),
          statusRank: 0,
          channelErrorCode: index === 3 ? '30003' : null,
          channelErrorMessage: index === 3 ? 'Unreachable 100%' : null,
          // Two of each time: their order is their sids'.
          dateCreated: new Date(Date.UTC(2020, 0, 1, 0, 0, Math.floor(index / 2))),
        };
      }),
    });
  });

  test.each([
    ['type=mms', 1],
    ['direction=Outbound', 12],
    ['channelStatus=delivered', 14],
    ['channelStatus=UNDELIV', 1],
    ['channelErrorCode=000', 1],
    ['channelErrorMessage=reachable+100%25', 1],
    ['channelErrorMessage=%25', 1],
    ['from=user', 13],
    ['from=USER2', 4],
    ['from=ser', 0],
    ['from=%2B49303', 1],
    ['from=+49303', 1],
    ['to=4930', 13],
    ['to=930', 0],
    ['enterpriseSid=EN0', 0],
    [`EnterpriseId=EN${'0'.repeat(32)}`, 0],
    ['channelStatus=%25', 0],
  ])('with %s contains %i messages', async (query, total) => {
    const { body } = await own.rest.get<Page>(`/msteams/messages/search?${query}`);
    expect(body.data).toMatchObject({ total });
  });

  test.each(['sortBy=dateCreated', 'sortBy=dateCreated:desc', 'sortBy=from:desc', 'sortBy=to', 'direction=inbound&sortBy=to:desc', ''])(
    'with %j can be followed in both directions, with each message once',
    async (query) => {
      const all = await own.rest.get<Page>(`/msteams/messages/search?pageSize=1000&${query}`);
      const expected = all.body.data?.result.map((row) => row.sid);
      const walk = async (start: string, next: 'nextPageUri' | 'previousPageUri') => {
        const seen: (string[] | undefined)[] = [];
        for (let uri: string | undefined = start; uri; ) {
          const page: Page | undefined = (await own.rest.get<Page>(uri)).body.data;
          seen.push(page?.result.map((row) => row.sid));
          uri = page?.[next];
        }
        return (next === 'nextPageUri' ? seen : seen.reverse()).flat();
      };
      expect(new Set(expected).size).toBe(all.body.data?.total);
      expect(await walk(`/msteams/messages/search/?pageSize=7&page=0&${query}`, 'nextPageUri')).toEqual(expected);
      expect(await walk(`/msteams/messages/search/?pageSize=7&page=3&${query}`, 'previousPageUri')).toEqual(expected);
    },
  );
});

describe('a request', () => {
  test('without its mandatory parameters gets the names of all of them', async () => {
    expect(await provider.rest.post('/msteams/enterprises', { enterpriseAdmin: { name: 'x' } })).toMatchObject({
      status: 400,
      body: { errorCode: '451', message: 'Mandatory parameter name,enterpriseAdmin.emailId,enterpriseAdmin.password is missing.' },
    });
    expect(await provider.rest.post('/msteams/mappings', { microsoftAddress: ' ' })).toMatchObject({
      status: 400,
      body: { errorCode: '451', message: 'Mandatory parameter microsoftAddress,externalAddress,enterpriseSid is missing.' },
    });
    expect(await provider.rest.post('/msteams/teamsbot')).toMatchObject({
      status: 400,
      body: { errorCode: '451', message: 'Mandatory parameter enterpriseSid,applicationId,tenantId,clientSecret,botAppId is missing.' },
    });
  });

  test('with text that no row can contain is refused without a fault', async () => {
    for (const name of ['a\0b', 'a\ud800b']) {
      const answer = await provider.rest.put('/msteams/enterprises/EN1', JSON.stringify({ name }));
      expect(answer, JSON.stringify(name)).toMatchObject({ status: 400, body: { errorCode: '450' } });
    }
    for (const [method, path] of [
      ['GET', '/msteams/enterprises/search/%00'],
      ['GET', '/msteams/mappings/search/BE%00'],
      ['GET', '/msteams/teamsbot/search/BE%00'],
      ['GET', '/msteams/messages/search/MS%00'],
      ['PUT', '/msteams/enterprises/EN%00'],
      ['DELETE', '/msteams/enterprises/EN%00'],
      ['PUT', '/msteams/mappings/BE%00'],
      ['DELETE', '/msteams/mappings/BE%00'],
      ['PUT', '/msteams/teamsbot/BE%00'],
      ['DELETE', '/msteams/teamsbot/BE%00'],
      ['GET', '/msteams/enterprises/search?name=a%00b'],
      ['GET', '/msteams/mappings/search?enterpriseSid=EN%00'],
      ['GET', '/msteams/mappings/search?externalAddress=%00'],
      ['GET', '/msteams/messages/search?enterpriseSid=EN%00&channelStatus=%00'],
      ['GET', '/msteams/messages/search?channelStatus=%00'],
      ['GET', '/msteams/messages/search?channelErrorCode=%00'],
      ['GET', '/msteams/teamsbot/search?enterpriseSid=%00'],
    ] as const) {
      const { status, body } = await provider.rest.request(method, path);
      expect([200, 400, 409], `${method} ${path}: ${status} ${JSON.stringify(body)}`).toContain(status);
    }
  });

  test('can be repeated with its Idempotency-Key', async () => {
    const body = { name: 'once', enterpriseAdmin: { emailId: 'once@example.com', password: 'p' } };
    const first = await provider.rest.post('/msteams/enterprises', body, { 'idempotency-key': 'k1' });
    const second = await provider.rest.post('/msteams/enterprise/', body, { 'idempotency-key': 'k1' });
    expect(first.status).toBe(201);
    expect(second).toMatchObject({ status: 201, body: first.body });
    const other = await provider.rest.post('/msteams/enterprises', { ...body, name: 'twice' }, { 'idempotency-key': 'k1' });
    expect(other).toMatchObject({ status: 409, body: { errorCode: '409' } });
  });

  test('with wrong credentials is refused', async () => {
    const authorization = `Basic ${Buffer.from(` ${provider.accountSid}:wrong`).toString('base64')}`;
    expect(await provider.rest.request('GET', '/msteams/messages/search', { headers: { authorization } })).toMatchObject({ status: 401 });
  });

  test('may have a space before the account SID, as in the source', async () => {
    const authorization = `Basic ${Buffer.from(` ${provider.accountSid} :${provider.authToken}`).toString('base64')}`;
    expect(await provider.rest.request('GET', '/msteams/messages/search', { headers: { authorization } })).toMatchObject({ status: 200 });
  });
});

describe('a masked secret', () => {
  beforeAll(async () => {
    masked = await createTestGateway({ restBotSecrets: 'masked' });
  });
  afterAll(() => masked?.close());

  test('that is sent back leaves the secret unchanged, and another one replaces it', async () => {
    const own = await masked.provider();
    const enterpriseSid = await enterprise(own, 'masked');
    const details = { enterpriseSid, applicationId: '1', tenantId: 't', botAppId: 'b' };
    const created = await own.rest.post<Entity>('/msteams/teamsbot', { ...details, clientSecret: 'the first secret' });
    const shown = { clientsecret: '••••cret', clientSecret: '••••cret' };
    expect(created.body.data).toMatchObject(shown);
    const sid = created.body.data?.sid;
    const stored = async () => (await own.graph(`{ bot(sid: "${sid}") { clientSecret } }`)).data.bot.clientSecret;

    const kept = await own.rest.put(`/msteams/teamsbot/${sid}`, { clientSecret: '••••cret', botAppId: 'c' });
    expect(kept.body.data).toMatchObject({ ...shown, botAppId: 'c' });
    expect(await stored()).toBe('the first secret');

    const changed = await own.rest.put(`/msteams/teamsbot/${sid}`, { clientsecret: 'the second one' });
    expect(changed.body.data).toMatchObject({ clientsecret: '•••• one' });
    expect(await stored()).toBe('the second one');
  });
});
