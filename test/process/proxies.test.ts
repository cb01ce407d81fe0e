import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import { Agent, fetch, type RequestInit } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { isInstalled, replaced, sampleOf } from '../support/samples.ts';
import { ACCOUNT_SID, AUTH_TOKEN, AUTHORIZATION, GatewayProcess, SECRETS_KEY } from './gateway-process.ts';

// The proxies' configurations in docs/operating.md, as they are but for addresses and paths, in front of a started gateway.

const NAME = 'gateway.example';
/** The client's own address: another one than the proxy's. */
const CLIENT_ADDRESS = '127.0.0.2';
const EVENTS =
  'subscription { messageEvents { ... on Bookmark { cursor } ... on MessageEvent { cursor channelStatus message { body } } } }';
const USER = 'sunny@kohl.example';
const NUMBER = '+493023125042';

let directory: string;
let gateway: GatewayProcess;
let gatewayPort: string;
let ca: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'proxies-'));
  gateway = new GatewayProcess({
    ...{ DATA_DIR: join(directory, 'data'), SECRETS_KEY, BOOTSTRAP_ACCOUNT_SID: ACCOUNT_SID, BOOTSTRAP_AUTH_TOKEN: AUTH_TOKEN },
    TRUST_PROXY: '1',
  });
  gatewayPort = new URL(await gateway.listening()).port;
  if (!isInstalled('openssl')) return;
  const [key, certificate] = [join(directory, 'gateway.key'), join(directory, 'gateway.crt')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${NAME}`];
  execFileSync('openssl', [...request, '-addext', `subjectAltName=DNS:${NAME}`, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
  ca = readFileSync(certificate, 'utf8');
  writeFileSync(join(directory, 'gateway.pem'), `${ca}${readFileSync(key, 'utf8')}`);
  const url = `http://127.0.0.1:${gatewayPort}`;
  const headers = { authorization: AUTHORIZATION, 'content-type': 'application/json' };
  const post = async (path: string, body: object) => {
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return ((await response.json()) as { data: { sid: string } }).data;
  };
  const enterpriseAdmin = { emailId: 'admin@kohl.example', password: 'Secret-123' };
  const { sid: enterpriseSid } = await post('/msteams/enterprises', { name: 'Kohl', enterpriseAdmin });
  await post('/msteams/teamsbot', { enterpriseSid, applicationId: 'app', tenantId: 'tenant', clientSecret: 'secret', botAppId: 'app' });
  await post('/msteams/mappings', { enterpriseSid, microsoftAddress: USER, externalAddress: NUMBER });
});
afterAll(async () => {
  await gateway.end('SIGTERM');
  await rm(directory, { recursive: true });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

interface Proxy {
  readonly command: string;
  /** Writes the configuration from docs/operating.md for these ports. @returns the proxy's arguments */
  readonly configure: (port: number) => readonly string[];
}

const proxies: readonly Proxy[] = [
  {
    command: 'nginx',
    configure: (port) => {
      const server = replaced(sampleOf('nginx'), {
        'listen 443 ssl': `listen 127.0.0.1:${port} ssl`,
        '127.0.0.1:4000': `127.0.0.1:${gatewayPort}`,
        '/etc/ssl/': `${directory}/`,
        '/var/log/nginx/': `${directory}/`,
      });
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory}/nginx-${name};`);
      const file = join(directory, 'nginx.conf');
      // The workers keep larger bodies in the directory, which only this user may enter.
      const common = `user ${userInfo().username}; daemon off; pid ${directory}/nginx.pid; error_log stderr; events {}`;
      writeFileSync(file, `${common}\nhttp {\n${temporary.join('\n')}\n${server}}\n`);
      return ['-c', file, '-p', directory, '-e', 'stderr'];
    },
  },
  {
    command: 'haproxy',
    configure: (port) => {
      const file = join(directory, 'haproxy.cfg');
      const configuration = replaced(sampleOf('haproxy'), {
        'bind :443': `bind 127.0.0.1:${port}`,
        '127.0.0.1:4000': `127.0.0.1:${gatewayPort}`,
        '/etc/ssl/': `${directory}/`,
      });
      writeFileSync(file, configuration);
      return ['-f', file, '-db'];
    },
  },
];

describe.each(proxies)('behind $command', ({ command, configure }) => {
  const skipped = !isInstalled(command) || !isInstalled('openssl');
  let proxy: ChildProcess | undefined;
  let agent: Agent;
  let url: string;
  const lookup = (_host: string, { all }: { all?: boolean }, done: (error: null, found: never, family?: number) => void) =>
    all ? done(null, [{ address: '127.0.0.1', family: 4 }] as never) : done(null, '127.0.0.1' as never, 4);

  beforeAll(async () => {
    if (skipped) return;
    const port = await freePort();
    url = `https://${NAME}:${port}`;
    agent = new Agent({ localAddress: CLIENT_ADDRESS, connect: { ca, lookup: lookup as never } });
    let printed = '';
    proxy = spawn(command, configure(port), { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [proxy.stdout, proxy.stderr])
      stream?.on('data', (data) => {
        printed += data;
      });
    const ended = once(proxy, 'exit').then(() => true);
    while (!(await request('/health/live').catch(() => undefined))?.ok)
      if (await Promise.race([ended, new Promise((resolve) => setImmediate(resolve))])) throw new Error(`${command} ended:\n${printed}`);
  });
  afterAll(async () => {
    await agent?.destroy();
    if (proxy?.exitCode === null) {
      proxy.kill('SIGTERM');
      await once(proxy, 'exit');
    }
  });

  function request(path: string, { headers, ...init }: RequestInit & { headers?: Record<string, string> } = {}) {
    return fetch(`${url}${path}`, { dispatcher: agent, headers: { authorization: AUTHORIZATION, ...headers }, ...init });
  }
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const texted = (text: string) => post('/stand-in/sms', { from: '+4915112345671', to: NUMBER, body: text });

  test.skipIf(skipped)('a query, over HTTP/1.1 and HTTP/2', async () => {
    const query = { query: '{ viewer { account { sid } } }' };
    const expected = { data: { viewer: { account: { sid: ACCOUNT_SID } } } };
    expect(await (await post('/graphql', query)).json()).toEqual(expected);
    const h2 = new Agent({ allowH2: true, connect: { ca, lookup: lookup as never } });
    const headers = { authorization: AUTHORIZATION, 'content-type': 'application/json' };
    const response = await fetch(`${url}/graphql`, { dispatcher: h2, method: 'POST', headers, body: JSON.stringify(query) });
    expect(await response.json()).toEqual(expected);
    await h2.close();
  });

  test.skipIf(skipped)('REST', async () => {
    const response = await request('/msteams/enterprises/search?name=Kohl');
    expect(await response.json()).toMatchObject({ code: 200, data: { result: [{ name: 'Kohl' }] } });
    expect(response.headers.get('x-request-id')).toBeTruthy();
  });

  test.skipIf(skipped)('the gateway’s own pages may send changes, and those of other sites may not', async () => {
    const query = { query: 'mutation { __typename }' };
    expect((await post('/graphql', query, { origin: url })).status).toBe(200);
    expect((await post('/graphql', query, { origin: 'https://other.example' })).status).toBe(403);
  });

  test.skipIf(skipped)('server-sent events arrive while their stream is open', async () => {
    const aborted = new AbortController();
    const response = await request(`/graphql?query=${encodeURIComponent(EVENTS)}`, {
      headers: { accept: 'text/event-stream' },
      signal: aborted.signal,
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    let received = '';
    const text = `SSE behind ${command}`;
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      if (received === '') expect((await texted(text)).status).toBe(200);
      received += decoder.decode(chunk, { stream: true });
      if (received.includes(text) && received.includes('DELIVERED')) break;
    }
    expect(received).toContain('event: next\n');
    aborted.abort();
  });

  test.skipIf(skipped)('a subscription over a WebSocket', async () => {
    class Socket extends WebSocket {
      constructor(address: string, protocols: string | string[]) {
        super(address, protocols, { ca, lookup: lookup as never });
      }
    }
    const client = createClient({
      url: `${url.replace('https:', 'wss:')}/graphql`,
      webSocketImpl: Socket,
      connectionParams: { Authorization: AUTHORIZATION },
      retryAttempts: 0,
    });
    const text = `WebSocket behind ${command}`;
    let isFirst = true;
    for await (const { data } of client.iterate<{ messageEvents: { channelStatus?: string; message?: { body: string } } }>({
      query: EVENTS,
    })) {
      if (isFirst) expect((await texted(text)).status).toBe(200);
      isFirst = false;
      const { message, channelStatus } = data?.messageEvents ?? {};
      if (message?.body === text && channelStatus === 'DELIVERED') break;
    }
    await client.dispose();
  });

  test.skipIf(skipped)('the client’s address is the one that the proxy saw, not one that the client gave', async () => {
    const admin = { emailId: `${command}@kohl.example`, password: 'Secret-123' };
    const forged = { 'x-forwarded-for': '203.0.113.9' };
    const created = await post('/msteams/enterprises', { name: `Behind ${command}`, enterpriseAdmin: admin }, forged);
    const { data } = (await created.json()) as { data: { sid: string } };
    const response = await post('/graphql', {
      query: 'query ($sid: ID!) { auditLog(filter: { targetSid: $sid }) { nodes { action remoteAddress } } }',
      variables: { sid: data.sid },
    });
    expect(await response.json()).toMatchObject({ data: { auditLog: { nodes: [{ remoteAddress: CLIENT_ADDRESS }] } } });
  });

  test.skipIf(skipped)('bodies of up to 1 MiB pass, and the gateway itself refuses larger ones', async () => {
    const body = (bytes: number) => JSON.stringify({ query: '{ __typename }' }).padEnd(bytes, ' ');
    const largest = await post('/graphql', body(1024 * 1024));
    expect([largest.status, await largest.json()]).toEqual([200, { data: { __typename: 'Query' } }]);
    const tooLarge = await post('/msteams/enterprises', body(1024 * 1024 + 1));
    expect([tooLarge.status, await tooLarge.json()]).toEqual([413, { errorCode: '413', message: 'Payload Too Large' }]);
  });

  test.skipIf(skipped)('a file of an import may be larger', async () => {
    const found = await request('/msteams/enterprises/search?name=Kohl');
    const [enterprise] = ((await found.json()) as { data: { result: { sid: string }[] } }).data.result;
    const prepared = await post('/graphql', {
      query: 'mutation ($sid: ID!) { importMappings(input: { enterpriseSid: $sid }) { ... on ImportMappingsSuccess { uploadUrl } } }',
      variables: { sid: enterprise?.sid },
    });
    const { uploadUrl } = ((await prepared.json()) as { data: { importMappings: { uploadUrl: string } } }).data.importMappings;
    const { pathname, search } = new URL(uploadUrl);
    const row = (n: number) => `user${n}@kohl.example,+49401${100_000 + n},${'x'.repeat(1000)}`;
    const body = ['microsoftAddress,externalAddress,note', ...Array.from({ length: 3000 }, (_, n) => row(n))].join('\n');
    const response = await request(`${pathname}${search}`, { method: 'PUT', body });
    expect([response.status, await response.json()]).toEqual([202, { importSid: pathname.slice('/imports/'.length), rows: 3000 }]);
  });

  test.skipIf(skipped || command !== 'nginx')('the logs have no query strings', async () => {
    await (await request('/msteams/enterprises/search?name=Secret')).text();
    await expect.poll(() => readFile(join(directory, 'gateway.log'), 'utf8')).toContain('"GET /msteams/enterprises/search"');
    expect(await readFile(join(directory, 'gateway.log'), 'utf8')).toContain('"PUT /imports/IM');
    expect(await readFile(join(directory, 'gateway.log'), 'utf8')).not.toMatch(/Secret|signature/);
    // nginx itself refuses this one, and reports such errors with the request's line.
    expect((await post('/graphql?access_token=Secret', ' '.repeat(3 * 1024 * 1024))).status).toBe(413);
    expect(await readFile(join(directory, 'gateway-error.log'), 'utf8')).not.toContain('Secret');
  });
});
