import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { createAccount, READ_ONLY_PERMISSIONS } from '../../src/domain/access/accounts.ts';
import { headOf, rowsAsText, withoutApostrophe } from '../../src/domain/bulk/formats.ts';
import { done, fresh, newEnterprise, newMapping, unknownSid } from '../parity/faces.ts';
import type { Provider, TestGateway } from '../support/gateway.ts';
import { graphClient } from '../support/graph.ts';
import { BODY, exportWorld, rowsOf } from './export-world.ts';

const world = exportWorld();
const { newOwner, insertMessages, link, download } = world;
let gateway: TestGateway;
let provider: Provider;
let stranger: Provider;
let enterprise: string;
let enterpriseName: string;
let mapping: string;
beforeAll(() => {
  ({ gateway, stranger, enterpriseName } = world);
  ({ provider, enterprise, mapping } = world.owner);
});

describe('exportMessages', () => {
  test('makes a link to a CSV file of the messages, without their texts', async () => {
    const { url, exportSid, dateExpires } = await link(provider.graph, 'exportMessages', { filter: { enterpriseSid: enterprise } });
    expect(url).toMatch(new RegExp(`^http://gateway\\.test/exports/${exportSid}\\?signature=[0-9a-f]{8}\\.[\\w-]{43}$`));
    expect(Date.parse(dateExpires) - Date.now()).toBeGreaterThan(4 * 60_000);
    const { status, headers, text } = await download(url);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8; header=present']);
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename="messages-\d{4}-\d\d-\d\d\.csv"$/);
    expect(headers.get('cache-control')).toBe('no-store');
    const rows = rowsOf(text);
    expect(rows.map(({ dateCreated }) => dateCreated)).toEqual([1, 2, 3].map((n) => `2026-11-01T00:00:0${n}.000Z`));
    expect(rows[0]).toMatchObject({
      ...{ enterpriseSid: enterprise, enterpriseName: `'${enterpriseName}`, mappingSid: mapping, accountSid: provider.accountSid },
      ...{ direction: 'OUTBOUND', type: 'SMS', from: '+4930111', to: 'anna@kohl.example', segments: '1', encoding: 'GSM_7', media: '0' },
      ...{ channelStatus: 'DELIVERED', channelErrorCode: '' },
    });
    expect(rows[0]).not.toHaveProperty('body');
  });

  test('writes the texts if asked to, and JSON lines without changing them', async () => {
    const csv = await link(provider.graph, 'exportMessages', { withBody: true });
    expect(rowsOf((await download(csv.url)).text).map(({ body }) => body)).toEqual(Array(3).fill(`'${BODY}`));
    const { url } = await link(provider.graph, 'exportMessages', { withBody: true, format: 'JSON_LINES' });
    const { headers, text } = await download(url);
    expect(headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatchObject({ body: BODY, enterpriseName, from: '+4930111', segments: 1, channelErrorCode: null });
  });

  test.each([
    [{ direction: 'INBOUND' }, [2]],
    [{ statuses: ['FAILED', 'QUEUED'] }, [3]],
    [{ type: 'MMS' }, []],
    [{ createdFrom: '2026-11-01T00:00:02Z' }, [2, 3]],
    [{ createdFrom: '2026-11-01T00:00:02Z', createdTo: '2026-11-01T00:00:02Z', direction: 'INBOUND' }, [2]],
    [{ createdTo: '2026-11-01T00:00:01Z' }, [1]],
  ])('filters by %j', async (filter, seconds) => {
    for (const place of [{}, { mappingSid: mapping }, { enterpriseSid: enterprise }]) {
      const { url } = await link(provider.graph, 'exportMessages', { filter: { ...filter, ...place } });
      const rows = rowsOf((await download(url)).text);
      expect(rows.map(({ dateCreated }) => Number(dateCreated?.slice(18, 19)))).toEqual(seconds);
    }
  });

  test('ends with the messages of the time of the request', async () => {
    const other = await newOwner();
    const { url } = await link(other.provider.graph, 'exportMessages');
    await insertMessages(1, other);
    await gateway.database.pool.query(`UPDATE message SET date_created = now() + interval '1 minute' WHERE organization_sid = $1`, [
      other.provider.organizationSid,
    ]);
    expect(rowsOf((await download(url)).text)).toEqual([]);
  });

  test.each([
    [{ filter: { enterpriseSid: unknownSid('EN') } }, 'ENTERPRISE_NOT_FOUND', ['filter', 'enterpriseSid']],
    [{ filter: { mappingSid: unknownSid('BE') } }, 'MAPPING_NOT_FOUND', ['filter', 'mappingSid']],
    [{ filter: { createdFrom: '2026-11-02T00:00:00Z', createdTo: '2026-11-01T00:00:00Z' } }, 'INVALID_PARAMETER', ['filter', 'createdTo']],
  ])('refuses %j', async (input, code, path) => {
    expect(await link(provider.graph, 'exportMessages', input)).toMatchObject({ code, path });
  });

  test('knows another tenant’s enterprise and mapping no better than one that is not there', async () => {
    for (const filter of [{ enterpriseSid: enterprise }, { mappingSid: mapping }]) {
      expect((await link(stranger.graph, 'exportMessages', { filter })).code).toMatch(/_NOT_FOUND$/);
    }
    expect(rowsOf((await download((await link(stranger.graph, 'exportMessages')).url)).text)).toEqual([]);
  });

  test('needs credentials, and READ alone', async () => {
    expect((await link(graphClient(gateway.fetch), 'exportMessages')).status).toBe(401);
    const { account, authToken } = await createAccount(gateway.gateway, {
      ...{ organization: { sid: provider.organizationSid }, email: fresh.email(), permissions: READ_ONLY_PERMISSIONS },
    });
    const { url } = await link(graphClient(gateway.fetch, { user: account.sid, password: authToken }), 'exportMessages');
    expect(rowsOf((await download(url)).text)).toHaveLength(3);
  });
});

describe('exportMappings', () => {
  test('writes the mappings of the caller’s reach, as importMappings takes them', async () => {
    const { url } = await link(provider.graph, 'exportMappings', { filter: { enterpriseSid: enterprise } });
    const { text, headers } = await download(url);
    expect(headers.get('content-disposition')).toContain('mappings-');
    expect(rowsOf(text)).toMatchObject([{ sid: mapping, enterpriseSid: enterprise, externalAddress: expect.stringMatching(/^\+?\d+$/) }]);
    expect(rowsOf((await download((await link(stranger.graph, 'exportMappings')).url)).text)).toEqual([]);
  });
});

describe('an enterprise’s admin', () => {
  test('exports its enterprise alone, if the organization has opted in', async () => {
    const other = newEnterprise();
    const { sid, admin } = await done(provider, 'createEnterprise', other);
    const graph = graphClient(gateway.fetch, { user: admin.sid, password: (other.enterpriseAdmin as { password: string }).password });
    expect(await link(graph, 'exportMessages')).toMatchObject({ code: 'FORBIDDEN', feature: 'ADMIN_EXPORT' });
    expect((await link(graph, 'exportMappings')).code).toBe('FORBIDDEN');
    await provider.graph('mutation { updateOrganization(input: { features: [ADMIN_EXPORT] }) { __typename } }');
    const own = await done(provider, 'createMapping', newMapping(sid));
    expect(rowsOf((await download((await link(graph, 'exportMappings')).url)).text)).toMatchObject([{ sid: own.sid }]);
    expect((await link(graph, 'exportMessages', { filter: { enterpriseSid: enterprise } })).code).toBe('ENTERPRISE_NOT_FOUND');
    const { url } = await link(graph, 'exportMessages');
    expect(rowsOf((await download(url)).text)).toEqual([]);
    await done(provider, 'updateEnterprise', { sid, status: 'INACTIVE' });
    expect((await download(url)).status).toBe(404);
  });
});
test('every row of text survives writing and reading, and no text is a formula', () => {
  const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.stringMatching(/^[=+@"',;\r\n\t -]{0,6}$/));
  fc.assert(
    fc.property(fc.array(fc.record({ a: text, b: text }), { minLength: 1 }), (rows) => {
      const written = headOf('csv', ['a', 'b']) + rowsAsText('csv', ['a', 'b'], rows);
      const read: { a: string; b: string }[] = parse(written, { columns: true });
      expect(read.map(({ a, b }) => ({ a: withoutApostrophe(a), b: withoutApostrophe(b) }))).toEqual(
        rows.map(({ a, b }) => ({ a: withoutApostrophe(a), b: withoutApostrophe(b) })),
      );
      for (const { a, b } of read) expect(`${a}\n${b}`).not.toMatch(/^[=@\t\r-]/);
    }),
  );
  expect(rowsAsText('csv', ['a'], [{ a: '+49 (30) 111-22' }, { a: '+1+cmd' }])).toBe("+49 (30) 111-22\r\n'+1+cmd\r\n");
});
