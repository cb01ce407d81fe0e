import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ImportRunner, startImports } from '../../../src/bulk/import-runner.ts';
import { runAppPackage } from '../../../src/cli/transfer/app-package-command.ts';
import { runExport } from '../../../src/cli/transfer/export-command.ts';
import { runImport } from '../../../src/cli/transfer/import-command.ts';
import { type Listener, listen } from '../../../src/server/server.ts';
import { done, fresh, newEnterprise } from '../../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../../support/gateway.ts';
import { createRecordingRestcomm } from '../../support/recording-restcomm.ts';

// The commands, against a gateway that listens, as another machine would run them.

const restcomm = createRecordingRestcomm();
let gateway: TestGateway;
let listener: Listener;
let runner: ImportRunner;
let provider: Provider;
let enterpriseSid: string;
let directory: string;

beforeAll(async () => {
  gateway = await createTestGateway({ platforms: { restcomm } });
  listener = await listen((request, peer) => gateway.app.fetch(request, peer), { host: '127.0.0.1', port: 0, direct: gateway.app.direct });
  runner = startImports(gateway.gateway, { everyMs: 20 });
  provider = await gateway.provider();
  enterpriseSid = (await done(provider, 'createEnterprise', newEnterprise())).sid;
  directory = await mkdtemp(join(tmpdir(), 'bulk-'));
});
afterAll(async () => {
  await runner.stop();
  await listener.drain(0);
  await gateway.close();
  await rm(directory, { recursive: true });
});

function terminal(env: Record<string, string | undefined> = {}) {
  const [printed, complained]: [string[], string[]] = [[], []];
  return {
    ...{ printed, complained },
    env: { ACCOUNT_SID: provider.accountSid, AUTH_TOKEN: provider.authToken, PORT: String(listener.port), ...env },
    print: (line: string) => void printed.push(line),
    printError: (line: string) => void complained.push(line),
  };
}

async function importing(args: readonly string[], env?: Record<string, string | undefined>) {
  const own = terminal(env);
  const code = await runImport(args, own, false);
  return { code, printed: own.printed.join('\n'), complained: own.complained.join('\n') };
}

async function exporting(args: readonly string[], env?: Record<string, string | undefined>) {
  const own = terminal(env);
  const output = new PassThrough();
  const file = text(output);
  const code = await runExport(args, own, output);
  output.end();
  return { code, file: await file, complained: own.complained.join('\n') };
}

const row = () => `"${fresh.name()}",${fresh.user()},${fresh.number()}`;

async function fileOf(...rows: readonly string[]): Promise<string> {
  const path = join(directory, `${fresh.key()}.csv`);
  await writeFile(path, ['name,microsoftAddress,externalAddress', ...rows].join('\r\n'));
  return path;
}

test('import checks a file, creates its mappings, and tries those again that failed', { timeout: 60_000 }, async () => {
  const path = await fileOf(row(), row());
  const dry = await importing([path, '--enterprise', enterpriseSid, '--dry-run']);
  expect(dry).toMatchObject({
    code: 0,
    printed: expect.stringContaining('2 rows: 2 can be created, 0 exist, 0 are invalid.'),
    complained: '',
  });
  restcomm.refuse('enableSms');
  const refused = await importing([path, '--enterprise', enterpriseSid]);
  const [sid = ''] = /IM[0-9a-f]{32}/.exec(refused.printed) ?? [];
  expect(refused).toMatchObject({ code: 1, printed: expect.stringContaining('0 created, 0 existed, 2 failed.') });
  expect(refused.complained).toContain('Line 3: ');
  expect(refused.complained).toContain(`npm run import -- ${sid}`);
  restcomm.reset();
  expect(await importing([sid])).toMatchObject({ code: 0, printed: '2 created, 0 existed, 0 failed.' });
  const { code, file } = await exporting(['mappings', '--enterprise', enterpriseSid]);
  expect(code).toBe(0);
  expect((parse(file, { columns: true }) as { enterpriseSid: string }[]).map((one) => one.enterpriseSid)).toEqual([
    enterpriseSid,
    enterpriseSid,
  ]);
});

test('import names invalid rows, and creates the others if asked to', { timeout: 60_000 }, async () => {
  const path = await fileOf(row(), 'Nobody,nobody,+4930199');
  const refused = await importing([path, '--enterprise', enterpriseSid]);
  expect(refused).toMatchObject({ code: 1, printed: expect.stringContaining('1 are invalid') });
  expect(refused.complained).toMatch(/^Line 3: Microsoft Address is not Valid \(MICROSOFT_ADDRESS_INVALID\)\nNothing was created/);
  expect(await importing([path, '--enterprise', enterpriseSid, '--skip-invalid'])).toMatchObject({
    code: 0,
    printed: expect.stringContaining('1 created, 0 existed, 0 failed.'),
  });
});

test('export writes JSON lines into a file', async () => {
  const output = join(directory, 'messages.jsonl');
  expect(await exporting(['messages', '--format', 'json-lines', '--from', '2026-01-01T00:00:00Z', '--output', output])).toMatchObject({
    code: 0,
  });
  expect(await readFile(output, 'utf8')).toBe('');
});

test('export writes usage', async () => {
  const asked = ['usage', '--from', '2026-01-01T00:00:00Z', '--to', '2026-02-01T00:00:00Z'];
  expect(await exporting([...asked, '--group-by', 'enterprise', '--by', 'day', '--time-zone', 'Europe/Berlin'])).toMatchObject({
    code: 0,
    file: expect.stringMatching(/^period,from,to,enterpriseSid,.*,p95DeliveryTime\r\n$/),
  });
  expect(await exporting(asked.slice(0, 3))).toMatchObject({ code: 2, complained: 'Usage needs --from and --to.' });
  expect(await exporting([...asked, '--with-body'])).toMatchObject({ code: 2, complained: expect.stringContaining('--with-body') });
});

test('both say in a sentence what is wrong', async () => {
  const path = await fileOf(row());
  expect(await importing([])).toMatchObject({ code: 2, complained: expect.stringContaining('npm run import') });
  expect(await importing([path])).toMatchObject({ code: 2, complained: expect.stringContaining('--enterprise') });
  expect(await importing([path, '--enterprise', enterpriseSid], { AUTH_TOKEN: '' })).toMatchObject({
    code: 2,
    complained: expect.stringContaining('ACCOUNT_SID'),
  });
  expect(await importing([path, '--enterprise', enterpriseSid], { AUTH_TOKEN: 'x' })).toMatchObject({
    code: 1,
    complained: expect.stringContaining('does not accept'),
  });
  expect(await importing([path, '--enterprise', 'EN0'])).toMatchObject({
    code: 1,
    complained: expect.stringContaining('ENTERPRISE_NOT_FOUND'),
  });
  expect(await importing(['no.csv', '--enterprise', enterpriseSid])).toMatchObject({ code: 2, complained: 'There is no file no.csv.' });
  expect(await importing([await fileOf(), '--enterprise', enterpriseSid])).toMatchObject({
    code: 1,
    complained: expect.stringContaining('has no rows'),
  });
  expect(await exporting(['nothing'])).toMatchObject({ code: 2 });
  expect(await exporting(['messages', '--format', 'xml'])).toMatchObject({ code: 2 });
  expect(await exporting(['mappings', '--from', '2026-01-01T00:00:00Z'])).toMatchObject({ code: 2 });
  expect(await exporting(['messages', '--from', 'yesterday'])).toMatchObject({ code: 1, complained: expect.stringContaining('refused') });
});

test('app-package writes the zip of a bot, and says where to take it', async () => {
  const azure = { applicationId: '5a3c7f52-0b5c-4b43-8f0a-2f6f4b1f9d11', tenantId: 't', clientSecret: 'a-client-secret', botAppId: 'b' };
  const { sid } = await done(provider, 'createBot', { enterpriseSid, ...azure });
  const file = join(directory, 'app.zip');
  const own = terminal();
  expect(await runAppPackage([sid, '--output', file], own)).toBe(0);
  expect(own.printed.join()).toContain(`${file}: version 1.1.0.`);
  expect((await readFile(file)).toString('latin1', 0, 2)).toBe('PK');
  const lost = terminal();
  expect(await runAppPackage([`BE${'0'.repeat(32)}`], lost)).toBe(1);
  expect(await runAppPackage([], lost)).toBe(2);
});
