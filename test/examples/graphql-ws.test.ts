import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { trimEvents } from '../../src/domain/events/events.ts';
import { advanceStatus } from '../../src/domain/messages/status-reports.ts';
import { inTransaction } from '../../src/domain/transaction.ts';
import { type FaultProxy, startFaultProxy } from '../fakes/fault-proxy.ts';
import type { Credentials } from '../support/credentials.ts';
import { committed, createLiveGateway, createSender, type LiveGateway, type Sender } from '../support/live.ts';
import { Example } from './start-example.ts';

let gateway: LiveGateway;
let proxy: FaultProxy;
let from: Sender;
let example: Example;

beforeAll(async () => {
  gateway = await createLiveGateway({ live: { bufferSize: 2 } });
});
afterAll(() => gateway.close());

beforeEach(async () => {
  proxy = await startFaultProxy(gateway.url);
  from = await createSender(gateway, await gateway.provider());
});
afterEach(async () => {
  await example.end('SIGKILL');
  await proxy.close();
});

/** Starts it, and waits until it is subscribed. */
async function start(credentials: Credentials = own(), args?: readonly string[]): Promise<void> {
  example = new Example('graphql-ws.mjs', proxy.url, credentials, args);
  await expect.poll(() => gateway.live.streams, { timeout: 20_000 }).toBe(1);
}

const own = () => ({ user: from.provider.accountSid, password: from.provider.authToken });

/** The events it has printed, as `sid STATUS`. */
const shown = () => example.lines.flatMap((line) => /^(MS\w+ [A-Z]+) \S+ → /.exec(line)?.[1] ?? []);

/** Waits until it has printed this many events. */
async function shows(count: number): Promise<void> {
  await expect.poll(shown, { timeout: 40_000 }).toHaveLength(count);
}

test('examples/graphql-ws.mjs prints each event once and in order, across a lost connection and a restart', async () => {
  const old = await from.send();
  await start();
  await example.says(`${old} is `);
  const sid = await from.send();
  await shows(1);

  proxy.refuse();
  await from.advance(sid, { status: 'SENDING' });
  await from.advance(sid, { status: 'SENT' });
  await proxy.heal();
  await shows(3);

  example.child.kill('SIGINT');
  expect(await example.exited, example.stderr).toEqual({ code: 0, signal: null });
  const first = shown();
  const [, cursor = ''] = /^Continue with: node examples\/graphql-ws\.mjs (\S+)$/m.exec(example.stdout) ?? [];
  await from.advance(sid, { status: 'DELIVERED' });
  await start(own(), [cursor]);
  await from.send();
  await shows(2);
  expect([`${old} QUEUED`, ...first, ...shown()]).toEqual(await committed(gateway, from.provider));
});

test('examples/graphql-ws.mjs starts over when its cursor has expired', async () => {
  await start();
  await from.send();
  await shows(1);
  proxy.refuse();
  const missed = await from.send();
  await trimEvents(gateway.database.prisma, 0);
  await proxy.heal();
  await example.says('CURSOR_EXPIRED: subscribing again');
  await example.says(`${missed} is `);
  const next = await from.send();
  await shows(2);
  expect(shown().at(-1)).toContain(next);
});

test('examples/graphql-ws.mjs continues from its cursor after STREAM_OVERFLOW', async () => {
  await start();
  const sid = await from.send();
  await shows(1);
  await inTransaction(gateway.database.prisma, async (tx) => {
    for (const status of ['SENDING', 'SENT', 'DELIVERED'] as const) await advanceStatus(tx, sid, { status });
  });
  gateway.live.wake(from.provider.organizationSid);
  await shows(4);
  expect(example.stdout).toContain('STREAM_OVERFLOW: subscribing again');
  expect(shown()).toEqual(await committed(gateway, from.provider));
});

test('examples/graphql-ws.mjs connects again when the network is lost silently', async () => {
  await start();
  await from.send();
  await shows(1);
  proxy.hang();
  await from.send();
  await expect.poll(() => proxy.connections, { timeout: 20_000 }).toBeGreaterThanOrEqual(2);
  await proxy.heal();
  await example.says(/Connected[\s\S]*Connected/);
  await from.send();
  await shows(3);
  expect(shown()).toEqual(await committed(gateway, from.provider));
});

test('examples/graphql-ws.mjs ends when its access token is revoked', async () => {
  const { data } = await from.provider.graph(
    'mutation { made: createAccessToken(input: { expiresIn: 600, permissions: [READ] }) { ... on CreateAccessTokenSuccess { token accessToken { sid } } } }',
  );
  await start({ token: data.made.token });
  await example.says('Connected');
  await from.provider.graph('mutation ($sid: ID!) { revokeAccessToken(input: { sid: $sid }) { __typename } }', {
    sid: data.made.accessToken.sid,
  });
  expect(await example.exited).toEqual({ code: 1, signal: null });
  expect(example.stderr).toContain('The stream has ended: Your credentials are no longer valid');
});
