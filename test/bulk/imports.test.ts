import { beforeAll, describe, expect, test } from 'vitest';
import type { Caller } from '../../src/domain/caller.ts';
import { createLive } from '../../src/live/live.ts';
import type { Listener } from '../../src/server/server.ts';
import { done, fresh, newBot, newEnterprise } from '../parity/faces.ts';
import type { Provider, TestGateway } from '../support/gateway.ts';
import { graphqlSse } from '../support/transports.ts';
import { csv, importWorld, rows } from './import-world.ts';

const world = importWorld();
const { restcomm, throttled, run, stateOf, reaches, checked, mappingsOf } = world;
let gateway: TestGateway;
let listener: Listener;
let provider: Provider;
let stranger: Provider;
let enterpriseSid: string;
beforeAll(() => {
  ({ gateway, listener, provider, stranger, enterpriseSid } = world);
});

describe('an import', () => {
  test('checks first and changes nothing, then creates every row by createMapping', async () => {
    const [first, second] = rows(2) as [readonly [string, string, string], readonly [string, string, string]];
    const own = (await done(provider, 'createEnterprise', newEnterprise())).sid;
    restcomm.reset();
    const state = await checked(csv([first, ['', second[1], second[2]]]), own);
    expect(state).toMatchObject({ rowCount: 2, counts: { valid: 2, invalid: 0 }, errorCode: null });
    expect(state.rows).toMatchObject([
      { number: 1, line: 2, name: first[0], microsoftAddress: first[1], externalAddress: first[2], status: 'VALID', mappingSid: null },
      { number: 2, line: 3, name: '', status: 'VALID' },
    ]);
    expect([restcomm.calls, await mappingsOf(own)]).toEqual([[], []]);

    expect(await run(provider.graph, 'runMappingImport', { sid: state.sid })).toMatchObject({ mappingImport: { status: 'RUNNING' } });
    const { counts, rows: after } = await reaches(state.sid, 'COMPLETED');
    expect(counts).toMatchObject({ created: 2, failed: 0, valid: 0 });
    const created = await mappingsOf(own);
    expect(created.map(({ sid }) => sid).sort()).toEqual(after.map(({ mappingSid }: { mappingSid: string }) => mappingSid).sort());
    expect(created.map(({ name, accountSid }) => [name, accountSid]).sort()).toEqual(
      [first[0], second[1]].map((name) => [name, provider.accountSid]).sort(),
    );
    expect(restcomm.calls.filter(([call]) => call === 'enableSms')).toHaveLength(2);
    const records = await gateway.database.prisma.auditLog.findMany({
      where: { targetSid: { in: [state.sid, ...created.map(({ sid }) => sid)] } },
    });
    expect(records.map(({ action }) => action).sort()).toEqual(['import.create', 'import.run', 'mapping.create', 'mapping.create']);
  });

  test('names each invalid row, its field and the code that createMapping has for it', async () => {
    const taken = rows(1)[0] as readonly [string, string, string];
    const { sid: mappingSid } = await done(provider, 'createMapping', {
      ...{ enterpriseSid, name: taken[0], microsoftAddress: taken[1], externalAddress: taken[2] },
    });
    const other = (await done(stranger, 'createEnterprise', newEnterprise())).sid;
    const foreign = fresh.number();
    await done(stranger, 'createMapping', { enterpriseSid: other, microsoftAddress: fresh.user(), externalAddress: foreign });
    const good = rows(1)[0] as readonly [string, string, string];
    const state = await checked(
      csv([
        taken,
        ['A', fresh.user(), taken[2]],
        ['B', fresh.user(), foreign],
        ['C', '', fresh.number()],
        ['D', 'nobody', fresh.number()],
        ['E', fresh.user(), '12'],
        ['x'.repeat(256), fresh.user(), fresh.number()],
        good,
        ['G', fresh.user(), `00${good[2].replace('+', '')}`],
      ]),
    );
    expect(state.rows.map(({ status, errorCode, errorPath }: Record<string, string>) => [status, errorCode, errorPath])).toEqual([
      ['EXISTING', null, null],
      ['INVALID', 'EXTERNAL_ADDRESS_NOT_UNIQUE', ['externalAddress']],
      ['INVALID', 'EXTERNAL_ADDRESS_NOT_UNIQUE', ['externalAddress']],
      ['INVALID', 'MISSING_PARAMETER', ['microsoftAddress']],
      ['INVALID', 'MICROSOFT_ADDRESS_INVALID', ['microsoftAddress']],
      ['INVALID', 'INVALID_PARAMETER', ['externalAddress']],
      ['INVALID', 'INVALID_PARAMETER', ['name']],
      ['VALID', null, null],
      ['INVALID', 'EXTERNAL_ADDRESS_NOT_UNIQUE', ['externalAddress']],
    ]);
    expect(state.rows[0].mappingSid).toBe(mappingSid);
    expect(await run(provider.graph, 'runMappingImport', { sid: state.sid })).toMatchObject({ code: 'IMPORT_HAS_INVALID_ROWS' });
    await run(provider.graph, 'runMappingImport', { sid: state.sid, skipInvalid: true });
    expect((await reaches(state.sid, 'COMPLETED')).counts).toEqual({
      pending: 0,
      valid: 0,
      invalid: 7,
      created: 1,
      existing: 1,
      failed: 0,
    });
  });

  test('tries the rows again that the platform refused, and no other', async () => {
    const state = await checked(csv(rows(3)));
    restcomm.refuse('enableSms');
    await run(provider.graph, 'runMappingImport', { sid: state.sid });
    const failed = await reaches(state.sid, 'COMPLETED');
    expect(failed.counts.failed).toBeGreaterThan(0);
    const row = failed.rows.find(({ status }: { status: string }) => status === 'FAILED');
    expect(row).toMatchObject({ errorCode: 'PLATFORM_ERROR', mappingSid: null });
    restcomm.reset();
    await run(provider.graph, 'runMappingImport', { sid: state.sid });
    await expect.poll(async () => (await stateOf(state.sid)).counts.failed, { timeout: 30_000 }).toBe(0);
    const again = await reaches(state.sid, 'COMPLETED');
    expect(again.counts).toMatchObject({ created: 3, failed: 0 });
    expect(restcomm.calls.filter(([call]) => call === 'enableSms')).toHaveLength(failed.counts.failed);
  });

  test('loses no row because Microsoft did not respond while it was checked', async () => {
    const own = (await done(provider, 'createEnterprise', newEnterprise())).sid;
    await done(provider, 'createBot', newBot(own));
    const [good, hurried] = rows(2) as [readonly [string, string, string], readonly [string, string, string]];
    throttled.add(hurried[1]);
    const state = await checked(csv([good, hurried, ['C', 'nobody', fresh.number()]]), own);
    throttled.clear();
    expect(state.counts).toMatchObject({ valid: 1, failed: 1, invalid: 1 });
    expect(state.rows[1]).toMatchObject({ status: 'FAILED', errorCode: 'PLATFORM_ERROR', mappingSid: null });
    await run(provider.graph, 'runMappingImport', { sid: state.sid, skipInvalid: true });
    expect((await reaches(state.sid, 'COMPLETED')).counts).toMatchObject({ created: 2, failed: 0, invalid: 1 });
  });

  test('of 500 mappings shows its progress', { timeout: 300_000 }, async () => {
    const own = (await done(provider, 'createEnterprise', newEnterprise())).sid;
    const state = await checked(csv(rows(500)), own);
    expect(state.counts).toMatchObject({ valid: 500 });
    const reader = graphqlSse.subscribe(
      { url: listener.url, provider },
      'subscription ($sid: ID!) { mappingImport(sid: $sid) { status counts { valid created } } }',
      { sid: state.sid },
    );
    // A checked import is at its end.
    await reader.until(({ ended }) => ended !== undefined);
    expect(reader.updates).toMatchObject([{ status: 'CHECKED', counts: { valid: 500, created: 0 } }]);
    await run(provider.graph, 'runMappingImport', { sid: state.sid });
    const progress = graphqlSse.subscribe(
      { url: listener.url, provider },
      'subscription ($sid: ID!) { mappingImport(sid: $sid) { status counts { valid created } } }',
      { sid: state.sid },
    );
    await reaches(state.sid, 'COMPLETED');
    await progress.until(({ ended }) => ended !== undefined);
    const created = progress.updates.map((update) => (update as unknown as { counts: { created: number } }).counts.created);
    expect(created).toEqual([...created].sort((one, other) => one - other));
    expect(progress.updates.at(-1)).toMatchObject({ status: 'COMPLETED', counts: { valid: 0, created: 500 } });
    expect(await gateway.database.prisma.mapping.count({ where: { enterpriseSid: own } })).toBe(500);
  });
});

describe('the progress of an import', () => {
  test('is read once for all who follow it, in the organization’s turns, and ends when the link has expired without an upload', async () => {
    const { mappingImport } = await run(provider.graph, 'importMappings', { enterpriseSid });
    const { prisma, sql } = gateway.database;
    const turns: string[] = [];
    const inTurn = (organizationSid: string) => {
      turns.push(organizationSid);
      return gateway.statements(organizationSid);
    };
    const live = createLive({ prisma, sql, inTurn, log: gateway.gateway.log });
    const { organizationSid, accountSid } = provider;
    const caller: Caller = { organizationSid, accountSid, permissions: new Set(['read']), requestId: 'request' };
    const streams = await Promise.all([1, 2, 3].map(() => live.mappingImport(caller, mappingImport.sid)));
    const first = await Promise.all(streams.map((stream) => stream.next()));
    expect(first[0]?.value).toMatchObject({ sid: mappingImport.sid, status: 'AWAITING_UPLOAD' });
    for (const { value } of first) expect(value).toBe(first[0]?.value);
    expect(new Set(turns)).toEqual(new Set([organizationSid]));
    const left = streams[2]?.next();
    await streams[2]?.return();
    expect(await left).toEqual({ done: true, value: undefined });
    const others = streams.slice(0, 2).map(async (stream) => {
      let ended = await stream.next();
      while (!ended.done) ended = await stream.next();
    });
    await prisma.mappingImport.update({ where: { sid: mappingImport.sid }, data: { dateExpires: new Date() } });
    await Promise.all(others);
    live.stop();
  });
});
