import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KINDS, numberOf } from '../../src/domain/usage/usage-kinds.ts';
import { newSid } from '../../src/domain/values/sid.ts';
import { done, newEnterprise, newMapping, unknownSid } from '../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { type GraphClient, graphClient } from '../support/graph.ts';

// The file of usage, against the query and against the messages themselves.

let gateway: TestGateway;
let provider: Provider;
const enterprises: { sid: string; name: string; mapping: string; externalAddress: string }[] = [];

beforeAll(async () => {
  gateway = await createTestGateway();
  provider = await gateway.provider();
  for (const name of ['Kohl', 'Lauch']) {
    const { sid } = await done(provider, 'createEnterprise', newEnterprise({ name }));
    const { sid: mapping, externalAddress } = await done(provider, 'createMapping', newMapping(sid));
    enterprises.push({ sid, name, mapping, externalAddress });
    await gateway.database.pool.query(
      `INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, "from", from_folded, "to", to_folded, body, segments,
         channel_status, status_rank, date_created, date_updated)
       SELECT 'MS' || md5($1 || n), $2, $3, $4, $5, (CASE n % 2 WHEN 0 THEN 'INBOUND' ELSE 'OUTBOUND' END)::message_direction, '1', '1', 'a', 'a', '', n % 3 + 1,
         (CASE n % 5 WHEN 0 THEN 'FAILED' ELSE 'DELIVERED' END)::channel_status, 3, time, time + interval '2 s'
       FROM generate_series(1, 3000) AS n, LATERAL (SELECT timestamptz '2026-10-01T00:00:00Z' + n * interval '20 min' AS time) AS at`,
      [newSid('MS'), provider.organizationSid, sid, mapping, provider.accountSid],
    );
  }
});
afterAll(() => gateway.close());

const NOVEMBER = { from: '2026-10-31T23:00:00Z', to: '2026-11-30T23:00:00Z', timeZone: 'Europe/Berlin' };

async function exported(input: object, graph: GraphClient = provider.graph) {
  const { data, errors, status } = await graph(
    'mutation ($input: ExportUsageInput!) { made: exportUsage(input: $input) { ... on ExportUsageSuccess { url } ... on Error { code path } } }',
    { input },
  );
  const code = errors?.[0]?.extensions?.code ?? data?.made?.code;
  if (!data?.made?.url) return { status, code, path: data?.made?.path, rows: [] };
  const response = await gateway.fetch(new Request(data.made.url));
  expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="usage-\d{4}-\d\d-\d\d\.csv"$/);
  return { status: response.status, rows: parse(await response.text(), { columns: true }) as Record<string, string>[] };
}

test('has what the messages say, by month and enterprise of a time zone', async () => {
  const { rows } = await exported({ ...NOVEMBER, granularity: 'MONTH', groupBy: ['ENTERPRISE', 'MAPPING', 'DIRECTION'] });
  const { rows: counted } = await gateway.database.pool.query(
    `SELECT '2026-11' AS period, $1 AS "from", $2 AS "to", enterprise_sid AS "enterpriseSid", mapping_sid AS "mappingSid", direction::text, '' AS type,
       '' AS "channelStatus", count(*)::text AS messages, sum(segments)::text AS segments,
       (count(*) FILTER (WHERE channel_status = 'DELIVERED'))::text AS delivered, (count(*) FILTER (WHERE channel_status = 'FAILED'))::text AS failed
     FROM message WHERE organization_sid = $3 AND date_created >= $1::text::timestamptz AND date_created < $2::text::timestamptz GROUP BY 4, 5, 6`,
    [new Date(NOVEMBER.from).toISOString(), new Date(NOVEMBER.to).toISOString(), provider.organizationSid],
  );
  const expected = counted.map((row) => {
    const { name, externalAddress } = enterprises.find(({ sid }) => sid === row.enterpriseSid) ?? expect.unreachable();
    return { ...row, enterpriseName: name, externalAddress, medianDeliveryTime: '1722', p95DeliveryTime: '1722' };
  });
  const byGroup = (one: { enterpriseSid?: string; direction?: string }, other: typeof one) =>
    `${one.enterpriseSid}${one.direction}` < `${other.enterpriseSid}${other.direction}` ? -1 : 1;
  expect(expected).toHaveLength(4);
  expect(rows.sort(byGroup)).toEqual(expected.sort(byGroup));
});

test('has the rows of the query, in its order, however many pieces they are read in', async () => {
  const asked = { from: '2026-10-01T00:00:00Z', to: '2026-11-12T00:00:00Z', granularity: 'HOUR', groupBy: ['MAPPING', 'STATUS'] };
  const { data } = await provider.graph(
    `query ($from: DateTime!, $to: DateTime!, $granularity: UsageGranularity!, $groupBy: [UsageDimension!]) {
      usage(from: $from, to: $to, granularity: $granularity, groupBy: $groupBy) { from to mappingSid channelStatus messages segments } }`,
    asked,
  );
  const { rows } = await exported(asked);
  expect(rows.length).toBeGreaterThan(2000);
  expect(rows[0]).toMatchObject({ period: '2026-10-01 00:00', enterpriseSid: '', enterpriseName: '', direction: '' });
  expect(
    rows.map(({ from, to, mappingSid, channelStatus, messages, segments }) => ({
      ...{ from, to, mappingSid, channelStatus },
      ...{ messages: Number(messages), segments: Number(segments) },
    })),
  ).toEqual(data.usage);
});

test('refuses what the query refuses, and enterprises that the caller does not see', async () => {
  const asked = { ...NOVEMBER, granularity: 'DAY' };
  expect((await exported({ ...asked, timeZone: 'Mars/Olympus' })).code).toBe('INVALID_PARAMETER');
  expect((await exported({ ...asked, to: asked.from })).code).toBe('INVALID_PARAMETER');
  expect((await exported({ ...asked, granularity: 'HOUR', from: '2020-01-01T00:00:00Z' })).code).toBe('INVALID_PARAMETER');
  const refused = { code: 'ENTERPRISE_NOT_FOUND', path: ['filter', 'enterpriseSid'] };
  expect(await exported({ ...asked, filter: { enterpriseSid: unknownSid('EN') } })).toMatchObject(refused);
  const stranger = await gateway.provider();
  expect(await exported({ ...asked, filter: { enterpriseSid: enterprises[0]?.sid } }, stranger.graph)).toMatchObject(refused);
  expect((await exported(asked, stranger.graph)).rows).toEqual([]);
  expect((await exported(asked, graphClient(gateway.fetch))).status).toBe(401);
});

test('has an admin’s enterprise alone, if the organization has opted in', async () => {
  const made = newEnterprise();
  const { sid, admin } = await done(provider, 'createEnterprise', made);
  const graph = graphClient(gateway.fetch, { user: admin.sid, password: (made.enterpriseAdmin as { password: string }).password });
  const asked = { ...NOVEMBER, granularity: 'DAY', groupBy: ['ENTERPRISE'] };
  expect((await exported(asked, graph)).code).toBe('FORBIDDEN');
  await provider.graph('mutation { updateOrganization(input: { features: [ADMIN_EXPORT] }) { __typename } }');
  expect((await exported(asked, graph)).rows).toEqual([]);
  await gateway.database.pool.query('UPDATE usage_change SET enterprise_sid = $1 WHERE enterprise_sid = $2', [sid, enterprises[0]?.sid]);
  const { rows } = await exported(asked, graph);
  expect(new Set(rows.map(({ enterpriseSid }) => enterpriseSid))).toEqual(new Set([sid]));
});

test('reads little at once where a busy time follows a quiet one', async () => {
  const busy = await gateway.provider();
  const HOUR_MS = 60 * 60_000;
  const begin = Date.parse('2025-01-01T00:00:00Z');
  const statuses = ['QUEUED', 'SENDING', 'SENT', 'DELIVERED', 'UNDELIVERED', 'FAILED', 'READ', 'RECEIVED'] as const;
  const kinds = Array.from({ length: 24 }, (_, hour) =>
    statuses.flatMap((status) =>
      (['INBOUND', 'OUTBOUND'] as const).flatMap((direction) =>
        (['SMS', 'MMS'] as const).map((type) => hour * 4 * KINDS + numberOf({ status, direction, type, bucket: -1 })),
      ),
    ),
  ).flat();
  await gateway.database.pool.query(
    `INSERT INTO usage_slot (organization_sid, grain, mapping_sid, enterprise_sid, slot, kinds, messages, segments)
     SELECT $1, 9, 'BE' || mapping, 'EN', day, $2, $3, $3
     FROM generate_series(1, 9) AS mapping, generate_series(timestamptz '2025-06-21T00:00:00Z', '2025-12-08T00:00:00Z', interval '1 day') AS day`,
    [busy.organizationSid, kinds.join(), kinds.map(() => 1).join()],
  );
  const { data } = await busy.graph(
    'mutation ($input: ExportUsageInput!) { made: exportUsage(input: $input) { ... on ExportUsageSuccess { url } } }',
    {
      input: {
        // What is read at once doubles while nothing is found: 4095 hours have none, and the next 4096 more than a million rows.
        ...{ from: new Date(begin).toISOString(), to: new Date(begin + 8191 * HOUR_MS).toISOString() },
        ...{ granularity: 'HOUR', groupBy: ['MAPPING', 'DIRECTION', 'STATUS', 'TYPE'] },
      },
    },
  );
  const { body } = await gateway.fetch(new Request(data.made.url));
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  let text = '';
  for (let lines = 0; lines < 3000; lines = text.split('\r\n').length) text += Buffer.from((await reader.read()).value ?? []).toString();
  await reader.cancel();
  const hours = text
    .split('\r\n')
    .slice(1, 3000)
    .map((line) => line.slice(0, 16));
  expect(hours).toEqual(Array.from(hours, (_, row) => `2025-06-21 ${String(Math.floor(row / (9 * 32))).padStart(2, '0')}:00`));
});
