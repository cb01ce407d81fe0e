import { afterAll, beforeAll, expect, test } from 'vitest';
import { acceptMessage } from '../../src/domain/messages/message-log.ts';
import { done, newEnterprise, newMapping } from '../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { graphClient } from '../support/graph.ts';

let gateway: TestGateway;
let provider: Provider;
let enterpriseSid: string;
let mappingSid: string;

beforeAll(async () => {
  gateway = await createTestGateway();
  provider = await gateway.provider();
  ({ sid: enterpriseSid } = await done(provider, 'createEnterprise', newEnterprise()));
  ({ sid: mappingSid } = await done(provider, 'createMapping', newMapping(enterpriseSid)));
  const { organizationSid, accountSid } = provider;
  for (const direction of ['INBOUND', 'OUTBOUND', 'OUTBOUND'] as const) {
    await acceptMessage(gateway.database.sql, {
      ...{ organizationSid, accountSid, enterpriseSid, mappingSid, direction, body: 'Hello', lane: direction },
      ...{ from: '+15550100', to: '+15550101' },
    });
  }
});
afterAll(() => gateway.close());

const USAGE = `query ($from: DateTime!, $to: DateTime!, $granularity: UsageGranularity!, $groupBy: [UsageDimension!], $filter: UsageFilter, $timeZone: String) {
  usage(from: $from, to: $to, granularity: $granularity, groupBy: $groupBy, filter: $filter, timeZone: $timeZone) {
    from to enterpriseSid enterprise { sid } mappingSid mapping { sid } direction channelStatus type
    messages segments delivered failed medianDeliveryTime p95DeliveryTime
  }
}`;
const aroundNow = { from: new Date(Date.now() - 3_600_000).toISOString(), to: new Date(Date.now() + 3_600_000).toISOString() };
const ask = (variables: object, { graph }: Pick<Provider, 'graph'> = provider) =>
  graph(USAGE, { ...aroundNow, granularity: 'MONTH', timeZone: 'Pacific/Kiritimati', ...variables });
const codes = async (...asked: Parameters<typeof ask>) => (await ask(...asked)).errors?.map(({ extensions }) => extensions?.code);

const sum = (used: readonly { messages: number }[]) => used.reduce((total, { messages }) => total + messages, 0);

test('usage is added up by time and group', async () => {
  const { data, errors } = await ask({ granularity: 'DAY', groupBy: ['ENTERPRISE', 'MAPPING', 'DIRECTION', 'STATUS', 'TYPE'] });
  expect(errors).toBeUndefined();
  const all = { enterpriseSid, enterprise: { sid: enterpriseSid }, mappingSid, mapping: { sid: mappingSid } };
  const kind = { channelStatus: 'QUEUED', type: 'SMS', delivered: 0, failed: 0, medianDeliveryTime: null, p95DeliveryTime: null };
  expect(data.usage).toEqual([
    expect.objectContaining({ ...all, ...kind, direction: 'INBOUND', messages: 1, segments: 1 }),
    expect.objectContaining({ ...all, ...kind, direction: 'OUTBOUND', messages: 2, segments: 2 }),
  ]);
  const inAll = (await ask({})).data.usage;
  expect(sum(inAll)).toBe(3);
  expect(inAll[0]).toMatchObject({
    enterpriseSid: null,
    mappingSid: null,
    direction: null,
    channelStatus: null,
    type: null,
    mapping: null,
  });
  expect(sum((await ask({ filter: { direction: 'INBOUND' } })).data.usage)).toBe(1);
  expect((await ask({ filter: { statuses: ['FAILED'] } })).data.usage).toEqual([]);
});

test('usage names mappings that were deleted', async () => {
  const { sid } = await done(provider, 'createMapping', newMapping(enterpriseSid));
  const { organizationSid, accountSid } = provider;
  const message = { organizationSid, accountSid, enterpriseSid, mappingSid: sid, direction: 'INBOUND', body: 'Hello', lane: sid } as const;
  await acceptMessage(gateway.database.sql, { ...message, from: 'a@b.example', to: '+15550101' });
  await done(provider, 'deleteMapping', { sid });
  const { data } = await ask({ groupBy: ['MAPPING'], filter: { mappingSid: sid } });
  expect(data.usage).toMatchObject([{ mappingSid: sid, mapping: null, messages: 1 }]);
});

test('usage refuses what is not valid', async () => {
  expect(await codes({ timeZone: 'Mars/Olympus' })).toEqual(['INVALID_PARAMETER']);
  expect(await codes({ from: aroundNow.to, to: aroundNow.from })).toEqual(['INVALID_PARAMETER']);
  expect(await codes({ granularity: 'HOUR', from: '2020-01-01T00:00:00Z' })).toEqual(['INVALID_PARAMETER']);
});

test('usage reads rows of 80 MB, and refuses more of them, however little it would show', async () => {
  const large = await gateway.provider();
  // A day of many mappings, in rows of 8,192 bytes with what separates the lists. What they have is no MMS, so the answer is empty.
  const store = (first: number, last: number) =>
    gateway.database.pool.query(
      `INSERT INTO usage_slot (organization_sid, grain, mapping_sid, enterprise_sid, slot, kinds, messages, segments)
       SELECT $1, 9, 'BE' || n, 'EN', '2020-01-01Z', repeat('70,', 1365) || '7', repeat('1,', 1023) || '10', repeat('1,', 1022) || '10'
       FROM generate_series($2::int, $3::int) n`,
      [large.organizationSid, first, last],
    );
  const day = { from: '2020-01-01T00:00:00Z', to: '2020-01-02T00:00:00Z', granularity: 'DAY', timeZone: 'UTC' };
  const asked = { ...day, groupBy: ['MAPPING'], filter: { type: 'MMS' } };
  await store(1, 10_000);
  expect((await ask(asked, large)).data?.usage).toEqual([]);
  await store(10_001, 10_001);
  expect(await codes(asked, large)).toEqual(['SEARCH_TOO_WIDE']);
  // Another day of the same organization is not affected.
  expect((await ask({ ...asked, from: '2020-01-02T00:00:00Z', to: '2020-01-03T00:00:00Z' }, large)).data.usage).toEqual([]);
});

test('usage is shown to nobody without credentials, and another organization’s to nobody', async () => {
  expect(await codes({}, { graph: graphClient(gateway.fetch, { user: 'nobody', password: 'nothing' }) })).toEqual(['UNAUTHENTICATED']);
  const stranger = await gateway.provider();
  expect((await ask({}, stranger)).data.usage).toEqual([]);
  expect((await ask({ filter: { enterpriseSid } }, stranger)).data.usage).toEqual([]);
});

test('credentials that are restricted to an enterprise see its usage alone', async () => {
  const { sid } = await done(provider, 'createEnterprise', newEnterprise());
  const { data } = await provider.graph(
    'mutation ($input: CreateAccessTokenInput!) { made: createAccessToken(input: $input) { ... on CreateAccessTokenSuccess { token } } }',
    { input: { expiresIn: 600, permissions: ['READ'], enterpriseSid: sid } },
  );
  const restricted = { graph: graphClient(gateway.fetch, { token: data.made.token }) };
  expect((await ask({}, restricted)).data.usage).toEqual([]);
  expect((await ask({ filter: { enterpriseSid } }, restricted)).data.usage).toEqual([]);
});
