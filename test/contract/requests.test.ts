import { describe, expect, test } from 'vitest';
import type { BodyField } from '../../src/contract/operations/operation.ts';
import { table } from '../../src/contract/operations/table.ts';
import { listen } from '../../src/server/server.ts';
import { stubContract, successes } from './stub-graph.ts';

const path = '/msteams/enterprises';
const complete = { name: 'test 101', enterpriseAdmin: { emailId: 'Test101@example.com', password: 'Test@123', name: 'testU101' } };

/** What the graph is asked for a request that succeeds. */
async function askedFor(method: string, path: string, body?: unknown, headers?: Record<string, string>) {
  const { rest, asked } = stubContract(successes);
  const answer = await rest.request(method, path, { body, headers });
  expect(answer.body).toMatchObject({ code: 200 });
  return asked[0]?.args;
}

/** How a request is refused, before the graph is asked anything. */
async function refusalOf(method: string, path: string, body?: unknown, headers?: Record<string, string>) {
  const { rest, asked } = stubContract(successes);
  const { status, body: envelope } = await rest.request(method, path, { body, headers });
  expect(asked).toEqual([]);
  return { status, ...envelope };
}

/** A field of an operation's body, under one of its spellings. */
interface Field {
  readonly method: string;
  readonly path: string;
  readonly field: BodyField;
  readonly name: string;
  readonly spelling: string;
  /** The object that has the field, if the body itself does not. */
  readonly nested?: string;
}

const fields = table.flatMap(({ methods: [method = ''], path, body = [] }) => {
  const of = (field: BodyField, nested?: string): Field[] => [
    ...[field.name, ...(field.aliases ?? [])].map((spelling) => ({
      ...{ method, path: path.replace('{sid}', 'BE1'), field, name: field.name, spelling, nested },
    })),
    ...(field.fields ?? []).flatMap((inner) => of(inner, field.name)),
  ];
  return body.flatMap((field) => of(field));
});
const texts = fields.filter(({ field }) => !field.values && !field.fields);
const optionals = fields.filter(({ field }) => !field.mandatory);

describe('a body', () => {
  test('is passed on by the graph’s names, and its unknown fields are ignored', async () => {
    const body = { ...complete, status: 'inactive', colour: 'red', enterpriseAdmin: { ...complete.enterpriseAdmin, role: 7 }, sid: 'EN1' };
    const { emailId: email, ...admin } = complete.enterpriseAdmin;
    expect(await askedFor('POST', path, body)).toEqual({
      input: { name: complete.name, status: 'INACTIVE', enterpriseAdmin: { email, ...admin } },
    });
  });

  test('may leave out optional fields, also by null', async () => {
    expect(await askedFor('PUT', `${path}/EN1`, { name: null })).toEqual({ input: { sid: 'EN1' } });
    expect(await askedFor('PUT', `${path}/EN1`)).toEqual({ input: { sid: 'EN1' } });
  });

  test('without mandatory fields reaches the domain, which names them', async () => {
    const empty = { name: '', enterpriseAdmin: { email: '', password: '' } };
    expect(await askedFor('POST', path)).toEqual({ input: empty });
    expect(await askedFor('POST', path, {})).toEqual({ input: empty });
    expect(await askedFor('POST', path, { enterpriseAdmin: null, name: null })).toEqual({ input: empty });
    expect(await askedFor('POST', '/msteams/mappings', {})).toEqual({
      input: { microsoftAddress: '', externalAddress: '', enterpriseSid: '' },
    });
  });

  test('may use the names enterpriseId and clientsecret', async () => {
    const bot = { applicationId: '12345', tenantId: 't', botAppId: 'b' };
    const input = { ...bot, enterpriseSid: 'EN1', clientSecret: 's' };
    expect(await askedFor('POST', '/msteams/teamsbot', { ...bot, enterpriseId: 'EN1', clientsecret: 's' })).toMatchObject({ input });
    expect(await askedFor('POST', '/msteams/teamsbot', input)).toMatchObject({ input });
    expect(await askedFor('PUT', '/msteams/mappings/BE1', { enterpriseId: 'EN1' })).toEqual({
      input: { sid: 'BE1', enterpriseSid: 'EN1' },
    });
  });

  test.each([
    ['name', { ...complete, name: 7.5 }, '7.5'],
    ['name', { ...complete, name: true }, 'true'],
    ['name', { ...complete, name: ['a'] }, '["a"]'],
    ['name', { ...complete, name: [] }, '[]'],
    ['name', { ...complete, name: [1, null, true] }, '[1,null,true]'],
    // An object may have secrets.
    ['name', { ...complete, name: [{ password: 'p' }] }, undefined],
    ['name', { ...complete, name: [['p']] }, undefined],
    ['status', { ...complete, status: 1 }, '1'],
    ['enterpriseAdmin.emailId', { ...complete, enterpriseAdmin: { emailId: false, password: 'p' } }, 'false'],
    ['enterpriseAdmin.name', { ...complete, enterpriseAdmin: { emailId: 'e', password: 'p', name: {} } }, undefined],
    // Never repeat a secret.
    ['enterpriseAdmin.password', { ...complete, enterpriseAdmin: { emailId: 'e', password: 1234.56 } }, undefined],
    ['enterpriseAdmin.password', { ...complete, enterpriseAdmin: { emailId: 'e', password: ['p'] } }, undefined],
  ])('with a wrong type of %s is refused: %j', async (parameter, body, value) => {
    expect(await refusalOf('POST', path, body)).toEqual({
      status: 400,
      errorCode: '450',
      message: `Parameter ${parameter} is invalid: must be a string`,
      data: value === undefined ? undefined : { data: value },
    });
  });

  test('with an unsafe integer is refused: JSON.parse may have rounded it', async () => {
    for (const number of ['9007199254740992', '-9007199254740993', '1e21', '15712101299157121012']) {
      const body = `{"microsoftAddress":"a@b.example","enterpriseSid":"EN1","externalAddress":${number}}`;
      expect(await refusalOf('POST', '/msteams/mappings', body), number).toMatchObject({
        errorCode: '450',
        message: 'Parameter externalAddress is invalid: must be a string',
        data: number,
      });
    }
  });

  test.each(texts)('of $method $path takes a whole number as the text of $spelling, and no other type', async (field) => {
    const { method, path, name, spelling, nested } = field;
    const graphName = field.field.graphName ?? name;
    const bodyWith = (value: unknown) => (nested ? { [nested]: { [spelling]: value } } : { [spelling]: value });
    for (const number of [0, 7, 234234, 15712101299, Number.MAX_SAFE_INTEGER, -1]) {
      const { input } = (await askedFor(method, path, bodyWith(number))) as { input: Record<string, Record<string, unknown>> };
      expect((nested ? input[nested] : input)?.[graphName], String(number)).toBe(String(number));
    }
    for (const value of [1.5, -0.1, 2 ** 53, 1e21, true, false, [], [1], {}]) {
      expect(await refusalOf(method, path, bodyWith(value)), JSON.stringify(value)).toMatchObject({
        status: 400,
        errorCode: '450',
        message: `Parameter ${nested ? `${nested}.` : ''}${name} is invalid: must be a string`,
      });
    }
  });

  test.each(optionals)('of $method $path with a blank $spelling, which is optional, is as without it', async (field) => {
    const { method, path, spelling, nested } = field;
    const expected = await askedFor(method, path, nested ? { [nested]: {} } : {});
    for (const blank of [null, '', ' ', '\t\r\n ', '\u00a0\u3000']) {
      const body = nested ? { [nested]: { [spelling]: blank } } : { [spelling]: blank };
      expect(await askedFor(method, path, body), JSON.stringify(blank)).toEqual(expected);
    }
  });

  test('with anything but an object in place of one is refused', async () => {
    for (const enterpriseAdmin of ['me', 1, true, [complete.enterpriseAdmin]]) {
      const refused = await refusalOf('POST', path, { ...complete, enterpriseAdmin });
      expect(refused).toEqual({ status: 400, errorCode: '450', message: 'Parameter enterpriseAdmin is invalid: must be an object' });
    }
  });

  test('with an unknown status is refused', async () => {
    expect(await refusalOf('PUT', `${path}/EN1`, { status: 'asleep' })).toEqual({
      status: 400,
      errorCode: '450',
      message: 'Parameter status is invalid: must be ACTIVE or INACTIVE',
      data: 'asleep',
    });
  });

  test.each([
    ['{"name":', 'must be JSON in UTF-8'],
    ['name=test', 'must be JSON in UTF-8'],
    [' ', 'must be JSON in UTF-8'],
    [Buffer.from([0x22, 0xff, 0x22]), 'must be JSON in UTF-8'],
    ['['.repeat(500_000), 'must be JSON in UTF-8'],
    ['[]', 'must be a JSON object'],
    ['null', 'must be a JSON object'],
    ['"name"', 'must be a JSON object'],
    ['42', 'must be a JSON object'],
  ])('that is not a JSON object is refused: %.20s', async (body, why) => {
    expect(await refusalOf('PUT', `${path}/EN1`, body)).toEqual({
      status: 400,
      errorCode: '450',
      message: `Parameter body is invalid: ${why}`,
    });
  });

  test('cannot reach inherited properties', async () => {
    expect(await askedFor('PUT', `${path}/EN1`, '{"__proto__":{"name":"x"}}')).toEqual({ input: { sid: 'EN1' } });
  });

  test.each(['application/json', 'Application/JSON; Charset=UTF-8', 'application/json;charset="utf8"', 'application/vnd.api+json'])(
    'declared as %s is read',
    async (type) => {
      expect(await askedFor('PUT', `${path}/EN1`, '\ufeff{"name":"Kohl"}', { 'content-type': type })).toMatchObject({
        input: { name: 'Kohl' },
      });
    },
  );

  test.each<Record<string, string>>([
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/x-www-form-urlencoded' },
    { 'content-type': 'multipart/form-data; boundary=x' },
    { 'content-type': 'application/json; charset=iso-8859-1' },
    { 'content-type': '' },
    { 'content-encoding': 'gzip' },
  ])('declared as %j is refused', async (headers) => {
    const { rest } = stubContract(successes);
    const refused = await rest.request('PUT', `${path}/EN1`, { body: '{"name":"Kohl"}', headers });
    expect(refused).toMatchObject({ status: 415, body: { errorCode: '415', message: 'Unsupported Media Type' } });
    expect(refused.headers.get('accept')).toBe('application/json');
  });

  test('is read up to 1 MiB, and refused above', async () => {
    const filled = (size: number) => JSON.stringify({ name: '' }).replace('""', `"${'x'.repeat(size - 11)}"`);
    expect(filled(1_048_576)).toHaveLength(1_048_576);
    await askedFor('PUT', `${path}/EN1`, filled(1_048_576));
    const refused = { status: 413, errorCode: '413', message: 'Payload Too Large' };
    expect(await refusalOf('PUT', `${path}/EN1`, filled(1_048_577))).toEqual(refused);
    expect(await refusalOf('PUT', `${path}/EN1`, '{}', { 'content-length': '1048577' })).toEqual(refused);
  });

  test('that is too large, without a declared length, gets a response over its connection', async () => {
    const listener = await listen(stubContract(successes).fetch, { host: '127.0.0.1', port: 0 });
    try {
      const body = new Blob([Buffer.alloc(3_000_000, ' ')]).stream();
      const headers = { 'content-type': 'application/json', authorization: 'Basic QUMxOnRva2Vu' };
      const init: RequestInit & { duplex: 'half' } = { method: 'PUT', body, headers, duplex: 'half' };
      const response = await fetch(`${listener.url}${path}/EN1`, init);
      expect(response.status).toBe(413);
      expect(await response.json()).toMatchObject({ errorCode: '413' });
    } finally {
      await listener.drain(1000);
    }
  });

  test('of a GET or DELETE is ignored', async () => {
    expect(await askedFor('DELETE', `${path}/EN1`, 'not json', { 'content-type': 'text/plain' })).toEqual({ input: { sid: 'EN1' } });
  });
});

describe('the Idempotency-Key header', () => {
  test.each([
    ['POST', path],
    ['PUT', `${path}/EN1`],
    ['DELETE', `${path}/EN1`],
    ['POST', '/msteams/mappings'],
    ['PUT', '/msteams/mappings/BE1'],
    ['DELETE', '/msteams/mappings/BE1'],
    ['POST', '/msteams/teamsbot'],
    ['PUT', '/msteams/teamsbot/BE1'],
    ['POST', '/msteams/teamsbot/BE1'],
    ['DELETE', '/msteams/teamsbot/BE1'],
  ])('of %s %s is the idempotencyKey of its input', async (method, path) => {
    expect(await askedFor(method, path, undefined, { 'idempotency-key': 'key-1' })).toMatchObject({ input: { idempotencyKey: 'key-1' } });
  });
});

describe('a query', () => {
  test('returns the first ten by default', async () => {
    expect(await askedFor('GET', '/msteams/enterprises/search')).toEqual({ first: 10, offset: 0, filter: {} });
  });

  test.each([
    ['enterprises?name=a&STATUS=active', { name: 'a', statuses: ['ACTIVE'] }],
    [
      'mappings?Name=a&microsoftaddress=b%40c&externalAddress=+49&EnterpriseSid=EN1',
      { name: 'a', microsoftAddress: 'b@c', externalAddress: '+49', enterpriseSid: 'EN1' },
    ],
    ['teamsbot?enterpriseId=EN1', { enterpriseSid: 'EN1' }],
    [
      'messages?enterpriseSid=EN1&type=mms&direction=Outbound&from=%2B1&to=+1',
      { enterpriseSid: 'EN1', type: 'MMS', direction: 'OUTBOUND', from: '+1', to: '+1' },
    ],
    [
      'messages?channelStatus=deliv&channelErrorCode=30&channelErrorMessage=un+reach',
      { statuses: ['DELIVERED', 'UNDELIVERED'], channelErrorCode: '30', channelErrorMessage: 'un reach' },
    ],
    [
      'messages?startTime=2018-10-05&EndTime=2018-10-06T02:10:03+0000',
      { createdFrom: '2018-10-05T00:00:00.000Z', createdTo: '2018-10-06T02:10:03.999Z' },
    ],
    ['enterprises?name=%20%20&status=&startTime=&unknown=%zz', {}],
    ['enterprises?name=first&name=second', { name: 'first' }],
    ['enterprises?name=&name=second', { name: 'second' }],
    ['enterprises?name=a%3Db%26c%2Bd=e', { name: 'a=b&c+d=e' }],
  ])('%s filters by %j', async (query, filter) => {
    expect(await askedFor('GET', `/msteams/${query.replace('?', '/search?')}`)).toMatchObject({ filter });
    const args = (await askedFor('GET', `/msteams/${query.replace('?', '/search?')}`)) as { filter: object };
    expect(args.filter).toEqual(filter);
  });

  test.each([
    ['enterprises', 'name', { field: 'NAME', direction: 'ASC' }],
    ['enterprises', 'dateCreated:desc', { field: 'DATE_CREATED', direction: 'DESC' }],
    ['enterprises', 'NAME%3ADESC', { field: 'NAME', direction: 'DESC' }],
    ['enterprises', 'name:', { field: 'NAME', direction: 'ASC' }],
    ['mappings', 'domain%3A+', { field: 'DOMAIN', direction: 'ASC' }],
    ['teamsbot', 'datecreated:', { field: 'DATE_CREATED', direction: 'ASC' }],
    ['messages', 'TO:', { field: 'TO', direction: 'ASC' }],
    ['mappings', 'microsoftAddress:asc', { field: 'MICROSOFT_ADDRESS', direction: 'ASC' }],
    ['mappings', 'externalAddress', { field: 'EXTERNAL_ADDRESS', direction: 'ASC' }],
    ['mappings', 'domain', { field: 'DOMAIN', direction: 'ASC' }],
    ['teamsbot', 'dateCreated', { field: 'DATE_CREATED', direction: 'ASC' }],
    ['messages', 'from:Desc', { field: 'FROM', direction: 'DESC' }],
    ['messages', 'to', { field: 'TO', direction: 'ASC' }],
  ])('for %s sorted by %s orders by %j', async (resource, sortBy, orderBy) => {
    expect(await askedFor('GET', `/msteams/${resource}/search?SortBy=${sortBy}`)).toMatchObject({ orderBy });
  });

  test('for a page requests its offset', async () => {
    expect(await askedFor('GET', '/msteams/messages/search?Page=3&PAGESIZE=250')).toMatchObject({ first: 250, offset: 750 });
    expect(await askedFor('GET', '/msteams/messages/search?page=2147483647&pageSize=1000')).toMatchObject({
      first: 1000,
      offset: 2_147_483_647,
    });
  });

  test.each([
    ['page=-1', 'page', 'must be an integer from 0 to 2147483647'],
    ['page=one', 'page', 'must be an integer from 0 to 2147483647'],
    ['page=1.5', 'page', 'must be an integer from 0 to 2147483647'],
    ['page=99999999999999999999', 'page', 'must be an integer from 0 to 2147483647'],
    ['pageSize=0', 'pageSize', 'must be an integer from 1 to 1000'],
    ['pageSize=1001', 'pageSize', 'must be an integer from 1 to 1000'],
    ['status=asleep', 'status', 'must be one of ACTIVE, INACTIVE, CLOSED'],
    ['sortBy=colour', 'sortBy', 'attribute must be one of name, dateCreated'],
    ['sortBy=:desc', 'sortBy', 'attribute must be one of name, dateCreated'],
    ['sortBy=constructor', 'sortBy', 'attribute must be one of name, dateCreated'],
    ['sortBy=name:up', 'sortBy', 'direction must be asc or desc'],
    ['sortBy=name::', 'sortBy', 'direction must be asc or desc'],
    ['sortBy=name:asc:desc', 'sortBy', 'direction must be asc or desc'],
    ['startTime=yesterday', 'startTime', 'must be a date like 2018-10-05 or 2018-10-05T22:45:32+0000'],
    ['ENDTIME=2018-02-30', 'endTime', 'must be a date like 2018-10-05 or 2018-10-05T22:45:32+0000'],
    ['name=%zz', 'name', 'must be percent-encoded UTF-8'],
    ['name=%ff', 'name', 'must be percent-encoded UTF-8'],
  ])('with %s is refused', async (query, parameter, why) => {
    expect(await refusalOf('GET', `/msteams/enterprises/search?${query}`)).toEqual({
      status: 400,
      errorCode: '450',
      message: `Parameter ${parameter} is invalid: ${why}`,
      data: query.slice(query.indexOf('=') + 1),
    });
  });

  test('is in the page URIs, in its order and with the documented names', async () => {
    const { rest } = stubContract({ enterprises: () => ({ totalCount: 25, nodes: [] }) });
    const query = 'SortBy=name:desc&page=1&Status=active&x=1&name=a%26b&startTime=2018-10-05T00:00:00+0000&pageSize=5';
    const { body } = await rest.get<{ nextPageUri: string; uri: string }>(`/msteams/enterprises/search?${query}`);
    const own = 'sortBy=name:desc&status=active&name=a%26b&startTime=2018-10-05T00:00:00%200000';
    expect(body.data).toMatchObject({
      firstPageUri: `/msteams/enterprises/search/?pageSize=5&page=0&${own}`,
      previousPageUri: `/msteams/enterprises/search/?pageSize=5&page=0&${own}`,
      nextPageUri: `/msteams/enterprises/search/?pageSize=5&page=2&${own}`,
      uri: `/msteams/enterprises/search/?pageSize=5&page=1&${own}`,
    });
  });

  test('that follows its own page URI requests the same list', async () => {
    const { rest, asked } = stubContract({ messages: () => ({ totalCount: 25, nodes: [] }) });
    const query = 'from=+49&channelStatus=a%25b&endTime=2018-10-05T00:00:00+0000&type=sms&sortBy=to';
    const { body } = await rest.get<{ uri: string }>(`/msteams/messages/search?${query}`);
    await rest.get(body.data?.uri ?? '');
    expect(asked[1]).toEqual(asked[0]);
  });

  test('with a malformed sid in the path looks it up, and finds nothing', async () => {
    expect(await askedFor('GET', '/msteams/enterprises/search/%zz')).toEqual({ sid: '%zz' });
    expect(await askedFor('GET', '/msteams/enterprises/search/%ff')).toEqual({ sid: '%ff' });
    expect(await askedFor('GET', '/msteams/enterprises/search/EN%2F1%C3%BC')).toEqual({ sid: 'EN/1ü' });
  });
});
