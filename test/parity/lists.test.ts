import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChannelStatus, type MessageDirection, type MessageType, type Prisma } from '../../prisma/client/client.ts';
import { statusRank } from '../../src/domain/messages/message-status.ts';
import { comparedForm } from '../../src/domain/values/phone-numbers.ts';
import { newSid } from '../../src/domain/values/sid.ts';
import { domainOf, fold } from '../../src/domain/values/text.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';

// The same question, asked of both faces, finds the same rows in the same order.

let gateway: TestGateway;
let provider: Provider;
let enterpriseSid: string;
let otherSid: string;

const day = (date: number, time = '10:00:00.000') => new Date(`2020-11-${String(date).padStart(2, '0')}T${time}Z`);

const names = [
  'Kohl',
  'Élan',
  'élan vital',
  'ELAN',
  'a%b',
  'a_b',
  'axb',
  'a\\b',
  'Zebra',
  'ärger',
  'Straße',
  'kohl & Sons',
  '50% off',
  'under_score',
];
const users = ['ann@Kohl.example', 'BEN@kohl.example', 'zoé@kohl.example', 'a_b@alpha.example', 'axb@alpha.example', 'a%b@alpha.example'];
const messages: readonly [from: string, to: string, MessageType, MessageDirection, ChannelStatus, code?: string, message?: string][] = [
  ['ann@kohl.example', '+4930100', 'SMS', 'INBOUND', 'DELIVERED'],
  ['Ann@Kohl.example', '+4930101', 'MMS', 'INBOUND', 'UNDELIVERED', '30003', 'Unreachable 100%'],
  ['+4930100', 'ann@kohl.example', 'SMS', 'OUTBOUND', 'SENT'],
  ['4930100', 'ann@kohl.example', 'SMS', 'OUTBOUND', 'FAILED', 'E_1', 'Café FERMÉ'],
  ['+14155550100', 'ben@kohl.example', 'MMS', 'OUTBOUND', 'READ'],
  ['ÉMILE@kohl.example', '+4930102', 'SMS', 'INBOUND', 'QUEUED'],
  ['a_b@kohl.example', '+4930103', 'SMS', 'INBOUND', 'SENDING', 'EX1', 'an_error\\here'],
  ['axb@kohl.example', '+4930104', 'SMS', 'INBOUND', 'RECEIVED', 'e_1', 'an error here'],
];

beforeAll(async () => {
  gateway = await createTestGateway();
  provider = await gateway.provider();
  const { prisma } = gateway.gateway;
  const { organizationSid, accountSid } = provider;
  const owner = { organizationSid, accountSid };

  const enterprises = names.map((name, index) => ({
    ...owner,
    sid: newSid('EN'),
    name,
    nameFolded: fold(name),
    status: (['ACTIVE', 'INACTIVE', 'CLOSED'] as const)[index % 3],
    // Two a day, so that equal times are ordered by sid.
    dateCreated: day(1 + Math.floor(index / 2)),
  }));
  await prisma.enterprise.createMany({ data: enterprises });
  await prisma.enterpriseAdmin.createMany({
    data: enterprises.map(({ sid }, index) => ({
      ...{ sid: newSid('RCS'), organizationSid, enterpriseSid: sid, accountSid },
      ...{ email: `a${index}@x.example`, emailFolded: `a${index}@x.example` },
    })),
  });
  [enterpriseSid, otherSid] = [enterprises[0]?.sid ?? '', enterprises[3]?.sid ?? ''];
  const parent = (index: number) => (index % 2 ? otherSid : enterpriseSid);
  await prisma.mapping.createMany({
    data: users.map((microsoftAddress, index) => {
      const name = names[index + 1] ?? '';
      const externalDigits = `49301${index}`;
      return {
        ...{ ...owner, sid: newSid('BE'), enterpriseSid: parent(index), name, nameFolded: fold(name), microsoftAddress },
        ...{ microsoftAddressFolded: fold(microsoftAddress), microsoftDomain: domainOf(microsoftAddress), externalDigits },
        ...{ externalAddress: index % 2 ? externalDigits : `+${externalDigits}`, dateCreated: day(1 + Math.floor(index / 2)) },
      };
    }),
  });
  await prisma.bot.createMany({
    data: enterprises.map(({ sid: enterpriseSid, dateCreated }) => {
      const sid = newSid('BE');
      const clientSecret = gateway.gateway.secrets.seal('secret', sid);
      return {
        ...owner,
        sid,
        enterpriseSid,
        dateCreated,
        clientSecret,
        ...{ clientSecretHint: 'cret', applicationId: '1', tenantId: '2', botAppId: '3' },
      };
    }),
  });
  await prisma.message.createMany({
    data: messages.map(
      ([from, to, type, direction, channelStatus, channelErrorCode, channelErrorMessage], index): Prisma.MessageCreateManyInput => ({
        ...{
          ...owner,
          sid: newSid('MS'),
          enterpriseSid: parent(index),
          from,
          fromFolded: comparedForm(from),
          to,
          toFolded: comparedForm(to),
          type,
          direction,
        },
        ...{ channelStatus, statusRank: statusRank(channelStatus), channelErrorCode, channelErrorMessage },
        dateCreated: day(1 + Math.floor(index / 2)),
      }),
    ),
  });
});
afterAll(() => gateway.close());

type List = 'enterprises' | 'mappings' | 'bots' | 'messages';
const paths: Record<List, string> = {
  enterprises: '/msteams/enterprises/search',
  mappings: '/msteams/mappings/search',
  bots: '/msteams/teamsbot/search',
  messages: '/msteams/messages/search',
};
const filters: Record<List, string> = {
  enterprises: 'EnterpriseFilter',
  mappings: 'MappingFilter',
  bots: 'BotFilter',
  messages: 'MessageFilter',
};
type Row = Record<string, string>;

/** Asks both faces and holds them against each other. Returns the contract's rows. */
async function ask(list: List, query: Record<string, string>, filter: object, order?: object): Promise<Row[]> {
  const type = filters[list];
  const { data, errors } = await provider.graph(
    `query ($filter: ${type}, $orderBy: ${type.replace('Filter', 'Order')}) {
      ${list}(first: 100, filter: $filter, orderBy: $orderBy) { totalCount nodes { sid } }
    }`,
    { filter, orderBy: order },
  );
  expect(errors).toBeUndefined();
  const search = new URLSearchParams({ pageSize: '1000', ...query });
  const { body } = await provider.rest.get<{ total: number; result: Row[] }>(`${paths[list]}?${search}`);
  expect(body.errorCode, JSON.stringify(body)).toBeUndefined();
  const rows = body.data?.result ?? [];
  expect(rows.map(({ sid }) => ({ sid }))).toEqual(data[list].nodes);
  expect(body.data?.total).toBe(data[list].totalCount);
  expect(rows).toHaveLength(data[list].totalCount);
  return rows;
}

/** Code point order, which is the order of UTF-8 bytes. */
const compare = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

describe('a part of a text, in any case and taken literally', () => {
  test.each([
    ['enterprises', 'name', 'kohl', ['Kohl', 'kohl & Sons']],
    ['enterprises', 'name', 'éLAN', ['Élan', 'élan vital']],
    ['enterprises', 'name', 'e\u0301lan', ['Élan', 'élan vital']],
    ['enterprises', 'name', 'ÄRGER', ['ärger']],
    ['enterprises', 'name', 'straße', ['Straße']],
    ['enterprises', 'name', 'a%b', ['a%b']],
    ['enterprises', 'name', '%', ['a%b', '50% off']],
    ['enterprises', 'name', '_', ['a_b', 'under_score']],
    ['enterprises', 'name', 'a_b', ['a_b']],
    ['enterprises', 'name', '\\', ['a\\b']],
    ['enterprises', 'name', ' & ', ['kohl & Sons']],
    ['enterprises', 'name', 'nobody', []],
    ['mappings', 'name', 'ÉLAN', ['Élan', 'élan vital']],
    ['mappings', 'name', 'A_B', ['a_b']],
    ['mappings', 'microsoftAddress', 'KOHL.EX', ['ann@Kohl.example', 'BEN@kohl.example', 'zoé@kohl.example']],
    ['mappings', 'microsoftAddress', 'ZOÉ', ['zoé@kohl.example']],
    ['mappings', 'microsoftAddress', 'a_b@', ['a_b@alpha.example']],
    ['mappings', 'microsoftAddress', 'a%b@', ['a%b@alpha.example']],
    ['mappings', 'externalAddress', '9301', ['+493010', '493011', '+493012', '493013', '+493014', '493015']],
    ['mappings', 'externalAddress', '+49', ['+493010', '493011', '+493012', '493013', '+493014', '493015']],
    ['mappings', 'externalAddress', '0049 (30) 10', ['+493010']],
    ['mappings', 'externalAddress', '+9301', []],
    ['mappings', 'externalAddress', '30-1', ['+493010', '493011', '+493012', '493013', '+493014', '493015']],
    ['mappings', 'externalAddress', '0', ['+493010', '493011', '+493012', '493013', '+493014', '493015']],
    ['mappings', 'externalAddress', '4_30', []],
    ['mappings', 'externalAddress', 'x', []],
    ['messages', 'channelStatus', 'deliver', ['DELIVERED', 'UNDELIVERED']],
    ['messages', 'channelStatus', 'SENT', ['SENT']],
    ['messages', 'channelStatus', '%', []],
    ['messages', 'channelErrorCode', '3000', ['30003']],
    ['messages', 'channelErrorCode', 'e_1', ['E_1', 'e_1']],
    ['messages', 'channelErrorMessage', '100%', ['Unreachable 100%']],
    ['messages', 'channelErrorMessage', 'an_e', ['an_error\\here']],
    ['messages', 'channelErrorMessage', 'r\\h', ['an_error\\here']],
    ['messages', 'channelErrorMessage', 'café fermé', ['Café FERMÉ']],
    ['messages', 'channelErrorMessage', 'CAFÉ', ['Café FERMÉ']],
  ] as const)('%s: %s = %j', async (list, parameter, text, expected) => {
    // The graph has the statuses themselves.
    const statuses = Object.values(ChannelStatus).filter((status) => status.includes(text.toUpperCase()));
    const filter = parameter === 'channelStatus' ? { statuses } : { [parameter]: text };
    const rows = await ask(list, { [parameter]: text }, filter);
    expect(rows.map((row) => row[parameter]).sort()).toEqual([...expected].sort());
  });
});

describe('the beginning of a sender or recipient, in any case and taken literally', () => {
  test.each([
    ['from', 'ANN@', ['ann@kohl.example', 'Ann@Kohl.example']],
    ['from', 'émi', ['ÉMILE@kohl.example']],
    ['from', 'a_b', ['a_b@kohl.example']],
    ['from', '%', []],
    ['from', '+4930', ['+4930100', '4930100']],
    ['from', '4930', ['+4930100', '4930100']],
    ['from', '0049 30', ['+4930100', '4930100']],
    ['from', 'tel:+49-30', ['+4930100', '4930100']],
    ['from', '%2B4930', ['+4930100', '4930100']],
    ['from', '1', ['+14155550100']],
    ['from', '+1', ['+14155550100']],
    ['from', '+1 (415)', ['+14155550100']],
    ['from', '+', ['+14155550100', '+4930100', '4930100']],
    ['from', '+a', []],
    ['from', 'kohl', []],
    ['to', '+4930', ['+4930100', '+4930101', '+4930102', '+4930103', '+4930104']],
    ['to', 'BEN', ['ben@kohl.example']],
    ['to', '930', []],
  ] as const)('%s = %j', async (parameter, text, expected) => {
    const rows = await ask('messages', { [parameter]: text }, { [parameter]: text });
    expect(rows.map((row) => row[parameter]).sort()).toEqual([...expected].sort());
  });
});

describe('an enum value, as a whole and in any case', () => {
  test.each(['ACTIVE', 'INACTIVE', 'CLOSED'])('enterprises: status = %s', async (status) => {
    const rows = await ask('enterprises', { status }, { statuses: [status] });
    expect(rows.length).toBeGreaterThan(3);
    for (const row of rows) expect(row.status).toBe(status);
    expect(await ask('enterprises', { status: status.toLowerCase() }, { statuses: [status] })).toEqual(rows);
  });

  test.each([
    ['type', 'MMS', 2],
    ['type', 'SMS', 6],
    ['direction', 'INBOUND', 5],
    ['direction', 'OUTBOUND', 3],
  ])('messages: %s = %s', async (parameter, value, count) => {
    const rows = await ask('messages', { [parameter]: value }, { [parameter]: value });
    expect(rows.map((row) => row[parameter])).toEqual(Array(count).fill(value));
    expect(await ask('messages', { [parameter]: value.toLowerCase() }, { [parameter]: value })).toEqual(rows);
  });

  test('only the graph accepts several statuses at once', async () => {
    const { data } = await provider.graph(
      '{ enterprises(filter: { statuses: [ACTIVE, CLOSED] }) { totalCount } none: enterprises(filter: { statuses: [] }) { totalCount } }',
    );
    expect(data).toEqual({ enterprises: { totalCount: 9 }, none: { totalCount: 0 } });
  });
});

describe.each(['mappings', 'bots', 'messages'] as const)('%s', (list) => {
  test('of one enterprise, by either of the contract’s parameter names', async () => {
    for (const sid of [enterpriseSid, otherSid]) {
      const rows = await ask(list, { enterpriseSid: sid }, { enterpriseSid: sid });
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) expect(row.enterpriseSid).toBe(sid);
      expect(await ask(list, { enterpriseId: sid }, { enterpriseSid: sid })).toEqual(rows);
    }
    expect(await ask(list, { enterpriseSid: newSid('EN') }, { enterpriseSid: newSid('EN') })).toEqual([]);
  });
});

describe.each(['enterprises', 'mappings', 'bots', 'messages'] as const)('%s by time', (list) => {
  const whole = day(2, '00:00:00.000').toISOString();

  test('both ends are included', async () => {
    const [from, to] = [day(2).toISOString(), day(3).toISOString()];
    const rows = await ask(
      list,
      { startTime: '2020-11-02T10:00:00Z', endTime: '2020-11-03T10:00:00Z' },
      { createdFrom: from, createdTo: to },
    );
    expect(rows).toHaveLength(4);
    const one = await ask(
      list,
      { startTime: '2020-11-02T10:00:00+0000', endTime: '2020-11-02T10:00:00' },
      { createdFrom: from, createdTo: from },
    );
    expect(one).toHaveLength(2);
  });

  test('a date alone is its midnight, also for the end', async () => {
    const rows = await ask(list, { startTime: '2020-11-01', endTime: '2020-11-02' }, { createdTo: whole });
    expect(rows).toHaveLength(2);
  });

  test('a time from a response finds its row, written with any offset', async () => {
    const [first] = await ask(list, {}, {});
    const shown = first?.dateCreated ?? '';
    const at = { createdFrom: day(1).toISOString(), createdTo: day(1).toISOString() };
    expect(await ask(list, { startTime: shown, endTime: shown }, at)).toHaveLength(2);
    const elsewhere = '2020-11-01T12:00:00+02:00';
    expect(await ask(list, { startTime: elsewhere, endTime: elsewhere }, { createdFrom: elsewhere, createdTo: elsewhere })).toHaveLength(2);
  });

  test('together with the other filters', async () => {
    if (list === 'enterprises') {
      const rows = await ask(
        list,
        { name: 'a', startTime: '2020-11-03', status: 'active' },
        { name: 'a', createdFrom: day(3, '00:00:00.000'), statuses: ['ACTIVE'] },
      );
      expect(rows.map(({ name }) => name)).toEqual(['axb']);
    } else {
      const rows = await ask(
        list,
        { enterpriseSid, startTime: '2020-11-02', endTime: '2020-11-03' },
        { enterpriseSid, createdFrom: whole, createdTo: day(3, '00:00:00.000') },
      );
      expect(rows).toHaveLength(list === 'bots' ? 0 : 1);
    }
  });
});

describe('sorted', () => {
  const sorts: readonly [List, attribute: string, field: string, by: (row: Row) => string][] = [
    ['enterprises', 'dateCreated', 'DATE_CREATED', (row) => row.dateCreated ?? ''],
    ['enterprises', 'name', 'NAME', (row) => fold(row.name ?? '')],
    ['mappings', 'dateCreated', 'DATE_CREATED', (row) => row.dateCreated ?? ''],
    ['mappings', 'name', 'NAME', (row) => fold(row.name ?? '')],
    ['mappings', 'microsoftAddress', 'MICROSOFT_ADDRESS', (row) => fold(row.microsoftAddress ?? '')],
    ['mappings', 'externalAddress', 'EXTERNAL_ADDRESS', (row) => row.externalAddress ?? ''],
    ['mappings', 'domain', 'DOMAIN', (row) => domainOf(row.microsoftAddress ?? '')],
    ['bots', 'dateCreated', 'DATE_CREATED', (row) => row.dateCreated ?? ''],
    ['messages', 'dateCreated', 'DATE_CREATED', (row) => row.dateCreated ?? ''],
    ['messages', 'from', 'FROM', (row) => comparedForm(row.from ?? '')],
    ['messages', 'to', 'TO', (row) => comparedForm(row.to ?? '')],
  ];

  test.each(sorts)('%s by %s, equal ones by sid', async (list, attribute, field, by) => {
    const ascending = await ask(list, { sortBy: attribute }, {}, { field });
    const key = (row: Row) => `${by(row)}\0${row.sid}`;
    expect(ascending.map(key)).toEqual(ascending.map(key).sort(compare));
    expect(await ask(list, { sortBy: `${attribute}:asc` }, {}, { field, direction: 'ASC' })).toEqual(ascending);
    const descending = await ask(list, { sortBy: `${attribute}:DESC` }, {}, { field, direction: 'DESC' });
    expect(descending).toEqual(ascending.toReversed());
  });

  test.each(['enterprises', 'mappings', 'bots', 'messages'] as const)('%s by creation by default', async (list) => {
    expect(await ask(list, {}, {})).toEqual(await ask(list, { sortBy: 'dateCreated:asc' }, {}, { field: 'DATE_CREATED' }));
  });
});

describe('pages', () => {
  interface Page {
    readonly result: Row[];
    readonly total: number;
    readonly numPages: number;
    readonly start: number;
    readonly end: number;
    readonly nextPageUri?: string;
    readonly previousPageUri?: string;
  }
  const page = async (path: string) => (await provider.rest.get<Page>(path)).body.data as Page;

  test('by number, by cursor and by following the URIs contain the same rows, each once', async () => {
    const sorted = await ask('enterprises', { sortBy: 'name:desc' }, {}, { field: 'NAME', direction: 'DESC' });
    const sids = sorted.map(({ sid }) => sid);

    const followed: string[] = [];
    let uri: string | undefined = `${paths.enterprises}?pageSize=4&sortBy=name:desc`;
    for (let number = 0; uri; number++) {
      const { result, total, start, nextPageUri }: Page = await page(uri);
      expect({ total, start }).toEqual({ total: 14, start: number * 4 });
      followed.push(...result.map(({ sid }) => sid ?? ''));
      uri = nextPageUri;
    }
    expect(followed).toEqual(sids);

    const connected: string[] = [];
    for (let after: string | null | undefined; after !== null; ) {
      const { data } = await provider.graph(
        'query ($after: String) { list: enterprises(first: 4, after: $after, orderBy: { field: NAME, direction: DESC }) { nodes { sid } pageInfo { hasNextPage endCursor } } }',
        { after },
      );
      connected.push(...data.list.nodes.map(({ sid }: Row) => sid));
      after = data.list.pageInfo.hasNextPage ? data.list.pageInfo.endCursor : null;
    }
    expect(connected).toEqual(sids);

    const { data } = await provider.graph(
      '{ list: enterprises(first: 4, offset: 4, orderBy: { field: NAME, direction: DESC }) { nodes { sid } } }',
    );
    expect(data.list.nodes.map(({ sid }: Row) => sid)).toEqual(sids.slice(4, 8));
  });

  test('beyond the last one are empty on both faces, and still have the total', async () => {
    for (const number of [4, 2147483647]) {
      const beyond = await page(`${paths.enterprises}?pageSize=4&page=${number}`);
      expect(beyond).toMatchObject({ result: [], total: 14, numPages: 4 });
      expect(beyond.nextPageUri).toBeUndefined();
    }
    const { data } = await provider.graph(
      '{ enterprises(first: 4, offset: 2147483647) { totalCount nodes { sid } pageInfo { hasNextPage endCursor } } }',
    );
    expect(data.enterprises).toEqual({ totalCount: 14, nodes: [], pageInfo: { hasNextPage: false, endCursor: null } });
  });

  test('have 10 rows by default in the contract and 20 in the graph', async () => {
    expect((await page(paths.enterprises)).result).toHaveLength(10);
    expect((await provider.graph('{ enterprises { nodes { sid } } }')).data.enterprises.nodes).toHaveLength(14);
  });

  test('of 1000 rows exist only in the contract', async () => {
    const many = await gateway.provider();
    const { organizationSid, accountSid } = many;
    const enterprise = { sid: newSid('EN'), organizationSid, accountSid, name: 'Many', nameFolded: 'many' };
    await gateway.gateway.prisma.enterprise.create({ data: enterprise });
    await gateway.gateway.prisma.message.createMany({
      data: Array.from({ length: 1001 }, (_, index) => ({
        ...{ sid: newSid('MS'), organizationSid, accountSid, enterpriseSid: enterprise.sid, direction: 'INBOUND' as const },
        ...{ from: 'ann@kohl.example', fromFolded: 'ann@kohl.example', to: `+49${index}`, toFolded: `49${index}` },
        ...{ channelStatus: 'SENT' as const, statusRank: 2, dateCreated: day(1) },
      })),
    });
    const rows: string[] = [];
    for (const [number, length] of [
      [0, 1000],
      [1, 1],
      [2, 0],
    ]) {
      const { body } = await many.rest.get<Page>(`${paths.messages}?pageSize=1000&page=${number}`);
      expect(body.data).toMatchObject({ total: 1001, numPages: 2 });
      expect(body.data?.result).toHaveLength(length as number);
      rows.push(...(body.data?.result.map(({ sid }) => sid ?? '') ?? []));
    }
    expect(new Set(rows).size).toBe(1001);
    expect((await many.graph('{ messages(first: 1000) { nodes { sid } } }')).errors?.[0]?.message).toBe(
      'Parameter first is invalid: must be from 0 to 100',
    );
  });
});
