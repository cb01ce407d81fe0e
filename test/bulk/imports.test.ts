import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { type ImportRunner, startImports } from '../../src/bulk/import-runner.ts';
import { createAccount } from '../../src/domain/access/accounts.ts';
import { workOnImport } from '../../src/domain/bulk/import-work.ts';
import { importMappings, purgeImports } from '../../src/domain/bulk/imports.ts';
import type { Caller } from '../../src/domain/caller.ts';
import { PlatformError } from '../../src/domain/errors.ts';
import { newSid } from '../../src/domain/values/sid.ts';
import { createLive } from '../../src/live/live.ts';
import { createEmbeddedMicrosoft } from '../../src/platforms/microsoft/embedded.ts';
import { type Listener, listen } from '../../src/server/server.ts';
import { done, fresh, newBot, newEnterprise, unknownSid } from '../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { type GraphClient, graphClient } from '../support/graph.ts';
import { createRecordingRestcomm } from '../support/recording-restcomm.ts';
import { graphqlSse } from '../support/transports.ts';

const restcomm = createRecordingRestcomm();
const embedded = createEmbeddedMicrosoft();
/** The users that Microsoft does not answer about. */
const throttled = new Set<string>();
const microsoft = {
  ...embedded,
  findUser: async (...[bot, address]: Parameters<typeof embedded.findUser>) => {
    if (throttled.has(address)) throw new PlatformError('Microsoft Graph: Too many requests');
    return embedded.findUser(bot, address);
  },
};
let gateway: TestGateway;
let listener: Listener;
let provider: Provider;
let stranger: Provider;
let enterpriseSid: string;
let runner: ImportRunner | undefined;

beforeAll(async () => {
  gateway = await createTestGateway({ platforms: { restcomm, microsoft } });
  listener = await listen((request, peer) => gateway.app.fetch(request, peer), { host: '127.0.0.1', port: 0, direct: gateway.app.direct });
  [provider, stranger] = [await gateway.provider(), await gateway.provider()];
  enterpriseSid = (await done(provider, 'createEnterprise', newEnterprise())).sid;
});
afterEach(async () => {
  await runner?.stop();
  runner = undefined;
  restcomm.reset();
});
afterAll(async () => {
  await listener.drain(0);
  await gateway.close();
});

const STATE = `sid status isInterrupted errorCode errorMessage rowCount counts { pending valid invalid created existing failed }
  rows(first: 1000) { number line name microsoftAddress externalAddress status errorCode errorMessage errorField mappingSid }`;

async function run(graph: GraphClient, mutation: 'importMappings' | 'runMappingImport', input: object) {
  const type = mutation.replace(/^./, (letter) => letter.toUpperCase());
  const { data, errors, status } = await graph(
    `mutation ($input: ${type}Input!) { made: ${mutation}(input: $input) {
      ... on ${type}Success { mappingImport { sid status } ${mutation === 'importMappings' ? 'uploadUrl dateExpires' : ''} } ... on Error { code path value } } }`,
    { input },
  );
  return { status, ...data?.made, code: errors?.[0]?.extensions?.code ?? data?.made?.code };
}

const upload = async (url: string, file: string | Uint8Array<ArrayBuffer>, method = 'PUT') => {
  const response = await gateway.fetch(new Request(url, { method, body: file }));
  return { status: response.status, ...((await response.json()) as { code?: string; message?: string; rows?: number }) };
};

// biome-ignore lint/suspicious/noExplicitAny: what a test selects is its own to know
const stateOf = async (sid: string, graph = provider.graph): Promise<any> =>
  (await graph(`query ($sid: ID!) { mappingImport(sid: $sid) { ${STATE} } }`, { sid })).data.mappingImport;

/** Waits until an import has this status. */
async function reaches(sid: string, status: string) {
  await expect.poll(async () => (await stateOf(sid)).status, { timeout: 150_000, interval: 50 }).toBe(status);
  return stateOf(sid);
}

/** Uploads a file and has it checked. */
async function checked(file: string | Uint8Array<ArrayBuffer>, enterprise = enterpriseSid) {
  const { mappingImport, uploadUrl } = await run(provider.graph, 'importMappings', { enterpriseSid: enterprise });
  expect(await upload(uploadUrl, file)).toMatchObject({ status: 202 });
  runner ??= startImports(gateway.gateway, { everyMs: 20 });
  return reaches(mappingImport.sid, 'CHECKED');
}

const HEADER = 'name,microsoftAddress,externalAddress';
const rows = (count: number) => Array.from({ length: count }, () => [fresh.name(), fresh.user(), fresh.number()] as const);
const csv = (list: readonly (readonly string[])[]) => [HEADER, ...list.map((row) => row.join(','))].join('\r\n');
const mappingsOf = (sid: string) =>
  gateway.database.prisma.mapping.findMany({ where: { enterpriseSid: sid }, orderBy: { dateCreated: 'asc' } });

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
    expect(state.rows.map(({ status, errorCode, errorField }: Record<string, string>) => [status, errorCode, errorField])).toEqual([
      ['EXISTING', null, null],
      ['INVALID', 'EXTERNAL_ADDRESS_NOT_UNIQUE', 'externalAddress'],
      ['INVALID', 'EXTERNAL_ADDRESS_NOT_UNIQUE', 'externalAddress'],
      ['INVALID', 'MISSING_PARAMETER', 'microsoftAddress'],
      ['INVALID', 'MICROSOFT_ADDRESS_INVALID', 'microsoftAddress'],
      ['INVALID', 'INVALID_PARAMETER', 'externalAddress'],
      ['INVALID', 'INVALID_PARAMETER', 'name'],
      ['VALID', null, null],
      ['INVALID', 'EXTERNAL_ADDRESS_NOT_UNIQUE', 'externalAddress'],
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

  test('begins no row whose turn comes after the instance has begun to stop, and is free for another one', async () => {
    const state = await checked(csv(rows(3)));
    await runner?.stop();
    runner = undefined;
    await run(provider.graph, 'runMappingImport', { sid: state.sid });
    restcomm.reset();
    const stopping = new AbortController();
    const inTurn = <Result>(work: () => Promise<Result>) => {
      stopping.abort();
      return work();
    };
    await workOnImport(gateway.gateway, state.sid, { holder: 'stopping', inTurn, signal: stopping.signal });
    expect(restcomm.calls).toEqual([]);
    expect(await stateOf(state.sid)).toMatchObject({ status: 'RUNNING', isInterrupted: false, counts: { valid: 3 } });
    runner = startImports(gateway.gateway, { everyMs: 60_000 });
    expect((await reaches(state.sid, 'COMPLETED')).counts).toMatchObject({ created: 3 });
  });

  test('is not tried again at once where the database refuses writes, as a standby does', async () => {
    const state = await checked(csv(rows(1)));
    await runner?.stop();
    await run(provider.graph, 'runMappingImport', { sid: state.sid });
    const { prisma } = gateway.database;
    const { mappingImport } = prisma;
    let claims = 0;
    const updateMany = async () => {
      claims += 1;
      throw new Error('cannot execute UPDATE in a read-only transaction');
    };
    const findMany = (...args: Parameters<typeof mappingImport.findMany>) => mappingImport.findMany(...args);
    const standby: typeof prisma = Object.create(prisma, { mappingImport: { value: { findMany, updateMany } } });
    runner = startImports({ ...gateway.gateway, prisma: standby }, { everyMs: 60_000 });
    await expect.poll(() => claims).toBe(1);
    for (let n = 0; n < 20; n++) await mappingImport.findMany({ take: 1 });
    expect(claims).toBe(1);
    await runner.stop();
    runner = startImports(gateway.gateway, { everyMs: 60_000 });
    await reaches(state.sid, 'COMPLETED');
  });

  test('that has crashed is visible, and goes on without doubling anything', async () => {
    const state = await checked(csv(rows(5)));
    await runner?.stop();
    runner = undefined;
    await run(provider.graph, 'runMappingImport', { sid: state.sid });
    // As an instance leaves it that died after it had created the first row, and before it noted so.
    const [first] = state.rows;
    const { sid: mappingSid } = await done(provider, 'createMapping', {
      ...{ enterpriseSid, name: first.name, microsoftAddress: first.microsoftAddress, externalAddress: first.externalAddress },
    });
    const { prisma } = gateway.database;
    await prisma.mappingImport.update({ where: { sid: state.sid }, data: { holder: 'dead', heldUntil: new Date(Date.now() - 1) } });
    expect(await stateOf(state.sid)).toMatchObject({ status: 'RUNNING', isInterrupted: true, counts: { valid: 5 } });
    expect(await run(provider.graph, 'runMappingImport', { sid: state.sid })).toMatchObject({ code: 'IMPORT_NOT_READY' });
    runner = startImports(gateway.gateway, { everyMs: 20 });
    const { counts, rows: after } = await reaches(state.sid, 'COMPLETED');
    expect(counts).toMatchObject({ created: 4, existing: 1, failed: 0 });
    expect(after[0]).toMatchObject({ status: 'EXISTING', mappingSid });
    // The same file again.
    const again = await checked(
      csv(after.map((row: Record<string, string>) => [row.name, row.microsoftAddress, row.externalAddress] as string[])),
    );
    expect(again.counts).toMatchObject({ existing: 5, valid: 0, invalid: 0 });
  });

  test('is not worked on while another instance does', async () => {
    const state = await checked(csv(rows(1)));
    await runner?.stop();
    await run(provider.graph, 'runMappingImport', { sid: state.sid });
    const { prisma } = gateway.database;
    await prisma.mappingImport.update({ where: { sid: state.sid }, data: { holder: 'other', heldUntil: new Date(Date.now() + 60_000) } });
    runner = startImports(gateway.gateway, { everyMs: 10 });
    const other = await checked(csv(rows(1)));
    expect(other.status).toBe('CHECKED');
    expect(await stateOf(state.sid)).toMatchObject({ status: 'RUNNING', isInterrupted: false, counts: { valid: 1 } });
  });

  test('ends with the credentials that started it, and others run it again', async () => {
    const { account, authToken } = await createAccount(gateway.gateway, {
      organization: { sid: provider.organizationSid },
      email: fresh.email(),
    });
    const colleague = graphClient(gateway.fetch, { user: account.sid, password: authToken });
    const state = await checked(csv(rows(2)));
    await runner?.stop();
    runner = undefined;
    await run(colleague, 'runMappingImport', { sid: state.sid });
    await provider.graph(`mutation { suspendAccount(input: { sid: "${account.sid}" }) { __typename } }`);
    runner = startImports(gateway.gateway, { everyMs: 20 });
    expect(await reaches(state.sid, 'FAILED')).toMatchObject({ errorCode: 'UNAUTHENTICATED', counts: { valid: 2 } });
    await run(provider.graph, 'runMappingImport', { sid: state.sid });
    expect((await reaches(state.sid, 'COMPLETED')).counts).toMatchObject({ created: 2 });
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

describe('a file', () => {
  const [name, user, number] = ['Ann "A" Smith; Ltd', 'ann@file.example', '+49 30 5551'];
  const quoted = '"Ann ""A"" Smith; Ltd"';
  const utf16 = (text: string, order: 'le' | 'be'): Uint8Array<ArrayBuffer> => {
    const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
    return new Uint8Array(order === 'le' ? bytes : bytes.swap16());
  };
  const plain = `${HEADER}\n${quoted},${user},${number}\n`;

  test.each([
    ['with LF', plain],
    ['with CRLF and no line break at its end', plain.trimEnd().replaceAll('\n', '\r\n')],
    ['with a byte order mark', `\ufeff${plain}`],
    ['with semicolons', `name;microsoftAddress;externalAddress\r\n${quoted};${user};${number}\r\n`],
    ['with tabs', `name\tmicrosoftAddress\texternalAddress\n${quoted}\t${user}\t${number}`],
    [
      'with other columns, in another order and case',
      `sid,EXTERNALADDRESS,note,MicrosoftAddress,Name\n,${number},"a\nb",${user},${quoted}\n`,
    ],
    ['with empty lines', `\n${HEADER}\n\n${quoted},${user},${number}\n\n`],
    ['in UTF-16, as Excel writes it', utf16(plain.replaceAll(',', '\t'), 'le')],
    ['in big-endian UTF-16', utf16(plain, 'be')],
    ['of JSON lines', `${JSON.stringify({ externalAddress: number, name, microsoftAddress: user, note: 1 })}\r\n\n`],
    ['of JSON lines with a byte order mark', `\ufeff${JSON.stringify({ name, microsoftAddress: user, externalAddress: number })}`],
  ])('%s is read', async (_kind, file) => {
    expect((await checked(file)).rows).toMatchObject([
      { number: 1, name, microsoftAddress: user, externalAddress: number, status: 'VALID' },
    ]);
  });

  test('that was exported is read, and its apostrophes against formulas are removed', async () => {
    expect((await checked(`${HEADER}\r\n'=Sum,${user},${number}`)).rows).toMatchObject([{ name: '=Sum' }]);
  });

  test.each([
    ['nothing', '', 'INVALID_PARAMETER', 'The file is empty'],
    ['a header alone', HEADER, 'INVALID_PARAMETER', 'The file has no rows'],
    ['no header', 'Ann,ann@file.example,+49305551', 'MISSING_PARAMETER', /^Line 1: .*microsoftAddress, externalAddress is missing$/],
    ['a column twice', `${HEADER},Name\na,b,c,d`, 'INVALID_PARAMETER', 'Line 1: the header names name twice'],
    ['a row with too few fields', `${HEADER}\na,b,c\na,b`, 'INVALID_PARAMETER', /^Line 3: /],
    ['a quote that is not closed', `${HEADER}\n"a,b,c\n`, 'INVALID_PARAMETER', /^Line \d: a quote is not closed/],
    ['a quote inside', `${HEADER}\na"b,b,c\n`, 'INVALID_PARAMETER', /^Line \d: a quote/],
    ['a very long row', `${HEADER}\n${'a'.repeat(5000)},b,c\n`, 'INVALID_PARAMETER', /^Line \d: the row is longer than 4096/],
    ['a line that never ends', `{"name":"${'a'.repeat(5000)}`, 'INVALID_PARAMETER', /^Line 1: the row is longer/],
    ['broken JSON', '{"name":"a"\n', 'INVALID_PARAMETER', 'Line 1: the row is no JSON object'],
    ['a list', '{"name":"a","microsoftAddress":"a@b.c","externalAddress":"123"}\n[1]', 'INVALID_PARAMETER', /^Line 2: /],
    ['no text', '{"name":{},"microsoftAddress":"a@b.c"}', 'INVALID_PARAMETER', 'Line 1: name is no text'],
    ['NUL', `${HEADER}\na\0b,b,c`, 'INVALID_PARAMETER', /^Line 2: name must be well-formed/],
    ['a lone surrogate', '{"name":"\\ud800","microsoftAddress":"a"}', 'INVALID_PARAMETER', /^Line 1: name must be well-formed/],
    ['Latin-1', new Uint8Array(Buffer.from(`${HEADER}\nM\xfcller,b,c`, 'latin1')), 'INVALID_PARAMETER', /not UTF-8/],
    ['one row too many', csv(Array(10_001).fill(['', 'a@b.example', '123'])), 'INVALID_PARAMETER', 'The file has more than 10,000 rows'],
  ])('with %s is refused as a whole, and may be uploaded again', async (_kind, file, code, message) => {
    const { mappingImport, uploadUrl } = await run(provider.graph, 'importMappings', { enterpriseSid });
    const refused = await upload(uploadUrl, file);
    expect(refused).toMatchObject({ status: 400, code });
    expect(refused.message).toMatch(message);
    expect(await stateOf(mappingImport.sid)).toMatchObject({
      status: 'AWAITING_UPLOAD',
      errorCode: code,
      errorMessage: refused.message,
      rows: [],
    });
    expect(await gateway.database.prisma.mappingImportRow.count({ where: { importSid: mappingImport.sid } })).toBe(0);
    expect(await upload(uploadUrl, csv(rows(1)))).toMatchObject({ status: 202, rows: 1 });
    expect(await upload(uploadUrl, csv(rows(1)))).toMatchObject({ status: 409, code: 'IMPORT_NOT_READY' });
    expect(await stateOf(mappingImport.sid)).toMatchObject({ status: 'CHECKING', errorCode: null, rowCount: 1 });
  });

  test.runIf(inject('postgres'))('of 10,000 rows is taken as it arrives', { timeout: 60_000 }, async () => {
    const { uploadUrl } = await run(provider.graph, 'importMappings', { enterpriseSid });
    async function* pieces() {
      yield Buffer.from(`${HEADER}\n`);
      for (let n = 0; n < 10_000; n++) yield Buffer.from(`"Person ${n}",person${n}@many.example,+4940${1_000_000 + n}\n`);
    }
    const response = await fetch(uploadUrl.replace('http://gateway.test', listener.url), {
      ...{ method: 'PUT', body: pieces(), duplex: 'half' },
    } as unknown as RequestInit);
    expect([response.status, ((await response.json()) as { rows: number }).rows]).toEqual([202, 10_000]);
    await gateway.database.prisma.mappingImport.updateMany({ where: { status: 'CHECKING' }, data: { status: 'FAILED' } });
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

describe('uploads', () => {
  /** Begins an upload over the network that ends when `finish` is called. */
  async function begin(uploadUrl: string) {
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    async function* pieces() {
      yield Buffer.from(`${HEADER}\n`);
      await finished;
      yield Buffer.from(csv(rows(1)).slice(HEADER.length + 2));
    }
    const response = fetch(uploadUrl.replace('http://gateway.test', listener.url), {
      ...{ method: 'PUT', body: pieces(), duplex: 'half' },
    } as unknown as RequestInit);
    return { response, finish };
  }
  const prepare = async () => (await run(provider.graph, 'importMappings', { enterpriseSid })) as unknown as Prepared;
  interface Prepared {
    readonly mappingImport: { readonly sid: string };
    readonly uploadUrl: string;
  }
  const isBegun = ({ mappingImport: { sid } }: Prepared) =>
    expect
      .poll(async () => (await gateway.database.prisma.mappingImport.findUniqueOrThrow({ where: { sid } })).heldUntil, { timeout: 10_000 })
      .not.toBeNull();

  test('of one file at the same time are refused but for the first, and five of an organization', { timeout: 60_000 }, async () => {
    const all = await Promise.all(Array.from({ length: 5 }, prepare));
    const last = all.pop() as Prepared;
    const uploads = await Promise.all(all.slice(0, 3).map(({ uploadUrl }) => begin(uploadUrl)));
    await Promise.all(all.slice(0, 3).map(isBegun));
    const [{ uploadUrl: first }, , , fourth] = all as [Prepared, Prepared, Prepared, Prepared];
    expect(await upload(first, csv(rows(1)))).toMatchObject({ status: 409, code: 'IMPORT_NOT_READY' });
    uploads.push(await begin(fourth.uploadUrl));
    await isBegun(fourth);
    expect(await upload(last.uploadUrl, csv(rows(1)))).toMatchObject({ status: 429 });
    for (const { finish } of uploads) finish();
    for (const { response } of uploads) expect((await response).status).toBe(202);
    expect(await upload(last.uploadUrl, csv(rows(1)))).toMatchObject({ status: 202, rows: 1 });
  });

  test('are prepared until fifty are unfinished, of which enterprises’ admins have half', async () => {
    const own = await gateway.provider();
    const { sid: enterprise } = await done(own, 'createEnterprise', newEnterprise());
    const { mappingImport } = await run(own.graph, 'importMappings', { enterpriseSid: enterprise });
    const { prisma } = gateway.database;
    const one = await prisma.mappingImport.findUniqueOrThrow({ where: { sid: mappingImport.sid } });
    await prisma.mappingImport.createMany({ data: Array.from({ length: 49 }, () => ({ ...one, sid: newSid('IM') })) });
    expect(await run(own.graph, 'importMappings', { enterpriseSid: enterprise })).toMatchObject({ code: 'TOO_MANY_IMPORTS' });
    await prisma.mappingImport.updateMany({
      where: { organizationSid: own.organizationSid, sid: { not: one.sid } },
      data: { dateExpires: new Date() },
    });
    expect((await run(own.graph, 'importMappings', { enterpriseSid: enterprise })).mappingImport).toBeTruthy();
    await prisma.mappingImport.createMany({
      data: Array.from({ length: 25 }, () => ({ ...one, sid: newSid('IM'), confinedTo: enterprise })),
    });
    const caller: Caller = {
      ...{ organizationSid: own.organizationSid, accountSid: own.accountSid, enterpriseSid: enterprise },
      ...{ permissions: new Set(['read', 'write']), requestId: 'request' },
    };
    await expect(importMappings(gateway.gateway, caller, { enterpriseSid: enterprise })).rejects.toMatchObject({
      code: 'TOO_MANY_IMPORTS',
    });
    expect((await run(own.graph, 'importMappings', { enterpriseSid: enterprise })).mappingImport).toBeTruthy();
  });
});

describe('an import is the caller’s alone', () => {
  test('importMappings and runMappingImport need credentials, and refuse what they do not know', async () => {
    const anonymous = graphClient(gateway.fetch);
    expect((await run(anonymous, 'importMappings', { enterpriseSid })).status).toBe(401);
    expect((await run(anonymous, 'runMappingImport', { sid: 'IM' })).status).toBe(401);
    expect(await run(provider.graph, 'importMappings', { enterpriseSid: unknownSid('EN') })).toMatchObject({
      code: 'ENTERPRISE_NOT_FOUND',
    });
    expect(await run(provider.graph, 'importMappings', { enterpriseSid: ' ' })).toMatchObject({ code: 'MISSING_PARAMETER' });
    expect(await run(stranger.graph, 'importMappings', { enterpriseSid })).toMatchObject({ code: 'ENTERPRISE_NOT_FOUND' });
    const { mappingImport } = await run(provider.graph, 'importMappings', { enterpriseSid });
    expect(await run(stranger.graph, 'runMappingImport', { sid: mappingImport.sid })).toMatchObject({ code: 'IMPORT_NOT_FOUND' });
    expect(await run(provider.graph, 'runMappingImport', { sid: mappingImport.sid })).toMatchObject({ code: 'IMPORT_NOT_READY' });
    expect(await stateOf(mappingImport.sid, stranger.graph)).toBeNull();
    expect((await stranger.graph('{ mappingImports { sid } }')).data.mappingImports).toEqual([]);
    expect((await provider.graph('{ mappingImports(first: 1) { sid } }')).data.mappingImports).toEqual([{ sid: mappingImport.sid }]);
  });

  test('its link is refused if it is changed, expired, or its credentials have ended', async () => {
    const { account, authToken } = await createAccount(gateway.gateway, {
      organization: { sid: provider.organizationSid },
      email: fresh.email(),
    });
    const { mappingImport, uploadUrl } = await run(
      graphClient(gateway.fetch, { user: account.sid, password: authToken }),
      'importMappings',
      {
        enterpriseSid,
      },
    );
    const file = csv(rows(1));
    const at = uploadUrl.length - 5;
    const changed = `${uploadUrl.slice(0, at)}${uploadUrl[at] === 'a' ? 'b' : 'a'}${uploadUrl.slice(at + 1)}`;
    expect(await upload(changed, file)).toMatchObject({ status: 404 });
    expect(await upload(uploadUrl.replace('/imports/', '/exports/'), file)).toMatchObject({ status: 405 });
    expect(await upload(uploadUrl, file, 'DELETE')).toMatchObject({ status: 405 });
    const { prisma } = gateway.database;
    await prisma.mappingImport.update({ where: { sid: mappingImport.sid }, data: { dateExpires: new Date() } });
    expect(await upload(uploadUrl, file)).toMatchObject({ status: 404 });
    await prisma.mappingImport.update({ where: { sid: mappingImport.sid }, data: { dateExpires: new Date(Date.now() + 60_000) } });
    await provider.graph(`mutation { suspendAccount(input: { sid: "${account.sid}" }) { __typename } }`);
    expect(await upload(uploadUrl, file)).toMatchObject({ status: 404 });
    expect(await stateOf(mappingImport.sid)).toMatchObject({ status: 'AWAITING_UPLOAD', rows: [] });
  });

  test('an enterprise’s admin imports into its enterprise, if the organization has opted in', async () => {
    // An account that the gateway creates, so that its password is here.
    const other = newEnterprise({ enterpriseAdmin: { email: `${fresh.key()}@created.example`, password: 'a-long-password' } });
    const { sid, admin } = await done(provider, 'createEnterprise', other);
    const graph = graphClient(gateway.fetch, { user: admin.sid, password: (other.enterpriseAdmin as { password: string }).password });
    expect((await run(graph, 'importMappings', { enterpriseSid: sid })).code).toBe('FORBIDDEN');
    await provider.graph('mutation { updateOrganization(input: { features: [ADMIN_IMPORT] }) { __typename } }');
    expect((await run(graph, 'importMappings', { enterpriseSid })).code).toBe('ENTERPRISE_NOT_FOUND');
    const { mappingImport, uploadUrl } = await run(graph, 'importMappings', { enterpriseSid: sid });
    await upload(uploadUrl, csv(rows(1)));
    runner = startImports(gateway.gateway, { everyMs: 20 });
    await reaches(mappingImport.sid, 'CHECKED');
    await provider.graph('mutation { updateOrganization(input: { features: [] }) { __typename } }');
    expect((await run(graph, 'runMappingImport', { sid: mappingImport.sid })).code).toBe('FORBIDDEN');
    await provider.graph('mutation { updateOrganization(input: { features: [ADMIN_IMPORT] }) { __typename } }');
    await run(graph, 'runMappingImport', { sid: mappingImport.sid });
    await reaches(mappingImport.sid, 'COMPLETED');
    const [created] = await mappingsOf(sid);
    const [record] = await gateway.database.prisma.auditLog.findMany({ where: { targetSid: created?.sid } });
    expect(record).toMatchObject({ action: 'mapping.create', adminSid: admin.sid });
  });

  test('is deleted after 30 days, with its rows', async () => {
    const { mappingImport, uploadUrl } = await run(provider.graph, 'importMappings', { enterpriseSid });
    await upload(uploadUrl, csv(rows(1)));
    const { prisma } = gateway.database;
    const aged = (days: number) =>
      prisma.mappingImport.update({
        where: { sid: mappingImport.sid },
        data: { status: 'CHECKED', dateCreated: new Date(Date.now() - days * 86_400_000) },
      });
    await aged(29);
    await purgeImports(prisma);
    expect(await stateOf(mappingImport.sid)).not.toBeNull();
    await aged(31);
    await purgeImports(prisma);
    expect(await stateOf(mappingImport.sid)).toBeNull();
    expect(await prisma.mappingImportRow.count({ where: { importSid: mappingImport.sid } })).toBe(0);
  });
});
