import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/database/package-root.ts';
import { type Listener, listen } from '../../src/server/server.ts';
import { GatewayProcess } from '../process/gateway-process.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { sourceRows } from './source-rows.ts';

// The tools that people generate clients with read the OpenAPI document. They are in a package of their own: `npm ci --prefix test/clients/openapi`.

const tools = join(packageRoot(), 'test', 'clients', 'openapi');
const isInstalled = existsSync(join(tools, 'node_modules'));
const run = promisify(execFile);

interface Described {
  readonly operationId: string;
  readonly deprecated?: boolean;
  readonly requestBody?: { readonly content: { 'application/json': { readonly example: Record<string, unknown> } } };
  readonly responses: Readonly<
    Record<string, { readonly content: { 'application/json': { readonly example?: { readonly data: Data } } } }>
  >;
}
/** What newman got. */
interface Answered {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly expected: number;
  readonly body: string;
}
type Row = Readonly<Record<string, string>>;
/** A row, or a page of them. */
type Data = { readonly sid?: string; readonly result?: readonly Row[] };

let gateway: TestGateway;
let provider: Provider;
let listener: Listener;
beforeAll(async () => {
  gateway = await createTestGateway();
  provider = await gateway.provider();
  listener = await listen(gateway.fetch, { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await listener?.drain(1000);
  await gateway?.close();
});

/** Stores what the document's examples say that there is: everything but what they create. */
async function seed(document: { readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>> }) {
  const operations = Object.values(document.paths)
    .flatMap((methods) => Object.values(methods))
    .filter(({ deprecated }) => !deprecated);
  const shown = operations
    .filter(({ operationId }) => !operationId.startsWith('create'))
    .map(({ responses }) => responses[200]?.content['application/json'].example?.data ?? { result: [] })
    .flatMap((data) => data.result ?? [data as Row]);
  const created = operations
    .filter(({ operationId }) => operationId.startsWith('create'))
    .flatMap(({ responses }) => Object.values(responses)[0]?.content['application/json'].example?.data.sid ?? []);
  const rows = [...new Map(shown.map((row) => [row.sid, row])).values()].filter(({ sid = '' }) => !created.includes(sid));
  const bodies = operations.map(({ requestBody }) => requestBody?.content['application/json'].example ?? {});
  const store = sourceRows(gateway, provider);
  const named = [...rows.map(({ sid }) => sid), ...[...rows, ...bodies].map(({ enterpriseSid }) => enterpriseSid)];
  for (const sid of new Set(named.filter((one) => typeof one === 'string' && one.startsWith('EN')).map(String))) {
    await store.enterprise(sid, `before ${sid}`, rows.find((row) => row.sid === sid)?.enterpriseAdminEmail);
  }
  for (const { sid = '', enterpriseSid = '', externalAddress, applicationId } of rows) {
    if (externalAddress !== undefined) await store.mapping(sid, enterpriseSid, externalAddress);
    else if (applicationId !== undefined) await store.bot(sid, enterpriseSid);
    else if (sid.startsWith('MS')) await store.message(sid, enterpriseSid);
  }
}

describe.skipIf(!isInstalled)('the OpenAPI document', () => {
  test('makes a Postman collection whose 17 requests succeed with newman', async () => {
    await seed((await (await fetch(`${listener.url}/msteams/openapi.json`)).json()) as Parameters<typeof seed>[0]);
    const { stdout } = await run('node', ['newman.mjs', listener.url, provider.accountSid, provider.authToken], { cwd: tools });
    const { results, failures } = JSON.parse(stdout) as { results: { status: number; expected: number }[]; failures: string[] };
    expect(failures).toEqual([]);
    expect(results.filter(({ status, expected }) => status !== expected)).toEqual([]);
    expect(results).toHaveLength(17);
  });

  test('finds what its examples search for on a gateway that `npm run seed` has filled', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'seeded-'));
    let seeded: GatewayProcess | undefined;
    try {
      const seed = join(packageRoot(), 'dist', 'seed.js');
      const { stdout } = await run('node', [seed], { cwd: packageRoot(), env: { PATH: process.env.PATH, DATA_DIR: dataDir } });
      const [, user = '', password = ''] = /(AC[0-9a-f]{32}):(\S+)/.exec(stdout) ?? [];
      seeded = new GatewayProcess({ DATA_DIR: dataDir });
      const { stdout: printed } = await run('node', ['newman.mjs', await seeded.listening(), user, password], { cwd: tools });
      const { results, failures } = JSON.parse(printed) as { results: Answered[]; failures: string[] };
      expect(failures).toEqual([]);
      expect(results.filter(({ status, expected }) => status !== expected)).toEqual([]);
      const pages = results.filter(({ method, path }) => method === 'GET' && path.endsWith('/search'));
      expect(pages.map(({ name }) => name)).toHaveLength(4);
      for (const { name, body } of pages) expect(JSON.parse(body).data.result.length, name).toBeGreaterThan(0);
    } finally {
      await seeded?.end('SIGTERM');
      await rm(dataDir, { recursive: true });
    }
  }, 120_000);

  test('is read by openapi-typescript without a warning, and makes types that TypeScript accepts', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'openapi-'));
    try {
      const output = join(directory, 'contract.ts');
      const cli = join(tools, 'node_modules', 'openapi-typescript', 'bin', 'cli.js');
      const { stdout, stderr } = await run('node', [cli, `${listener.url}/msteams/openapi.json`, '-o', output], { cwd: tools });
      expect(`${stdout}${stderr}`).not.toMatch(/warn|error|⚠/i);
      const types = await readFile(output, 'utf8');
      expect(types).toContain('channelStatus: "QUEUED" | "SENDING" | "SENT" | "DELIVERED"');
      await run('node', [join(tools, 'node_modules', 'typescript', 'bin', 'tsc'), '--noEmit', '--strict', output], { cwd: directory });
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
