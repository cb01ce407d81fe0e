import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/database/package-root.ts';
import { ACCOUNT_SID, AUTH_TOKEN, AUTHORIZATION, GatewayProcess, SECRETS_KEY } from './gateway-process.ts';

const started: GatewayProcess[] = [];
const servers: Server[] = [];
let directory: string;
let gatewayUrl: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'demo-'));
  gatewayUrl = await startGateway('embedded', {});
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve).closeAllConnections())));
});
afterAll(async () => {
  await Promise.all(started.map((program) => program.end('SIGTERM')));
  await rm(directory, { recursive: true });
});

async function startGateway(name: string, env: Record<string, string>): Promise<string> {
  const gateway = new GatewayProcess({
    ...{ DATA_DIR: join(directory, name), SECRETS_KEY, BOOTSTRAP_ACCOUNT_SID: ACCOUNT_SID, BOOTSTRAP_AUTH_TOKEN: AUTH_TOKEN },
    ...env,
  });
  started.push(gateway);
  return gateway.listening();
}

const run = (program: string, args: readonly string[], env: Record<string, string> = {}): GatewayProcess =>
  new GatewayProcess(env, [process.execPath, join(packageRoot(), 'dist', `${program}.js`), ...args]);

/** Runs the demo. @returns its exit code and what it complained about */
async function demo(args: readonly string[], env: Record<string, string> = {}) {
  const running = run('demo', args, env);
  const { code } = await running.exited;
  return { code, printed: running.stdout, complained: running.stderr };
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.each([
  ['its URL', {}],
  ['HOST and PORT', { HOST: '0.0.0.0' }],
])('npm run demo shows a conversation of both directions on the gateway that %s names', async (_by, env) => {
  const { port } = new URL(gatewayUrl);
  const { code, printed, complained } = await demo([ACCOUNT_SID, AUTH_TOKEN, ...('HOST' in env ? [] : [gatewayUrl])], {
    ...env,
    ...('HOST' in env && { PORT: port }),
  });
  expect({ code, complained }).toEqual({ code: 0, complained: '' });
  expect(printed).toMatch(/SMS → Teams .* DELIVERED +Hello, are you open tomorrow\?/);
  expect(printed).toMatch(/Teams → SMS .* DELIVERED +Yes, from nine\./);
  expect(printed.trimEnd().split('\n').at(-1)).toMatch(/Teams → SMS .* FAILED /);
});

describe('npm run demo says in a sentence', () => {
  test.each<[string, readonly string[], Record<string, string>, string]>([
    ['that a URL is none', [ACCOUNT_SID, AUTH_TOKEN, 'localhost:4000'], {}, '"localhost:4000", which is no URL'],
    ['that a word is no URL', [ACCOUNT_SID, AUTH_TOKEN, 'gateway'], {}, '"gateway", which is no URL'],
    ['that PORT makes no URL', [ACCOUNT_SID, AUTH_TOKEN], { PORT: 'http' }, 'HOST and PORT give "http://127.0.0.1:http", which is no URL'],
    ['that nothing listens', [ACCOUNT_SID, AUTH_TOKEN, 'http://127.0.0.1:1'], {}, 'No gateway can be reached at http://127.0.0.1:1 ('],
    [
      'that a host is unknown',
      [ACCOUNT_SID, AUTH_TOKEN, 'http://gateway.invalid'],
      {},
      'No gateway can be reached at http://gateway.invalid (',
    ],
  ])('%s', async (_what, args, env, sentence) => {
    const { code, printed, complained } = await demo(args, env);
    expect({ code, printed }).toEqual({ code: 1, printed: '' });
    expect(complained).toContain(sentence);
    expect(complained.trimEnd().split('\n')).toHaveLength(1);
  });

  test('that the gateway does not accept the credentials', async () => {
    expect(await demo([ACCOUNT_SID, 'wrong', gatewayUrl])).toEqual({
      code: 1,
      printed: '',
      complained: `The gateway at ${gatewayUrl} does not accept this account SID and auth token.\n`,
    });
  });

  test('that another program listens there', async () => {
    const url = await serve((_request, response) => response.end('<html>'));
    const { code, complained } = await demo([ACCOUNT_SID, AUTH_TOKEN, url]);
    expect(code).toBe(1);
    expect(complained).toBe(`What listens at ${url} is no gateway: it responded to /stand-in/sms with 200 and no JSON.\n`);
  });

  test('that the gateway is connected to a real platform, where it creates nothing', async () => {
    const carrier = await serve((_request, response) => response.writeHead(503).end());
    const url = await startGateway('real', {
      ...{ RESTCOMM_URL: carrier, RESTCOMM_ACCOUNT_SID: ACCOUNT_SID, RESTCOMM_AUTH_TOKEN: 'token', PUBLIC_URL: 'https://gateway.example' },
      LOG_LEVEL: 'info',
    });
    const { code, complained } = await demo([ACCOUNT_SID, AUTH_TOKEN, url]);
    expect(code).toBe(1);
    expect(complained).toBe(`The gateway at ${url} is connected to Restcomm. The demo needs one with both embedded stand-ins.\n`);
    const search = await fetch(`${url}/msteams/enterprises/search`, { headers: { authorization: AUTHORIZATION } });
    expect(((await search.json()) as { data: object }).data).toMatchObject({ total: 0 });
  });

  test('that the gateway ended while it ran', async () => {
    let requests = 0;
    const url = await serve((request, response) => {
      requests += 1;
      // The first two ask whether there are stand-ins.
      if (requests <= 2) return response.writeHead(400).end('{}');
      if (request.method === 'POST') return response.end(JSON.stringify({ data: { sid: 'EN1' } }));
      return response.writeHead(200, { 'content-type': 'text/event-stream' }).end('event: next\ndata: {"data":{"messageEvents":{}}}\n\n');
    });
    const { code, complained } = await demo([ACCOUNT_SID, AUTH_TOKEN, url]);
    expect(code).toBe(1);
    expect(complained).toBe('The gateway ended the stream of message events before the demo was over.\n');
  });
});

test('a demo for Teams whose PORT is in use says so, and starts nothing', async () => {
  const { port } = new URL(gatewayUrl);
  const running = new GatewayProcess({ PORT: port }, [process.execPath, join(packageRoot(), 'dist', 'demo-teams.js')], directory);
  expect(await running.exited).toMatchObject({ code: 1 });
  expect(running.stderr).toBe(`Port ${port} (PORT) is in use, or not permitted.\n`);
});

test('a command whose output nobody reads ends in silence', async () => {
  const running = run('account', ['--help']);
  running.child.stdout?.destroy();
  await running.exited;
  expect(running.stderr).toBe('');
});
