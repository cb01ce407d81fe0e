import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { packageRoot } from '../../src/database/package-root.ts';
import { trimEvents } from '../../src/domain/events/events.ts';
import { startFaultProxy } from '../fakes/fault-proxy.ts';
import { committed, createLiveGateway, createSender, type LiveGateway } from '../support/live.ts';
import { createEnterprises } from './enterprises.ts';
import { Example } from './start-example.ts';

let gateway: LiveGateway;
beforeAll(async () => {
  gateway = await createLiveGateway();
});
afterAll(() => gateway.close());

let example: Example;
afterEach(() => example.end('SIGKILL'));

const subscribed = () => expect.poll(() => gateway.live.streams, { timeout: 20_000 }).toBe(1);

/** The events it has printed, as `sid STATUS`. */
const shown = ({ lines }: Example) => lines.flatMap((line) => line.replace(/^Event: (MS\w+) \w+ → /, '$1 ').match(/^MS\w+ [A-Z]+$/) ?? []);

test('examples/apollo/console.mjs pages by cursor, handles a mutation’s errors, and shows changes live, across a lost connection and an expired cursor', async () => {
  const provider = await gateway.provider();
  const from = await createSender(gateway, provider);
  await createEnterprises(gateway, provider, 59);
  const proxy = await startFaultProxy(gateway.url);
  example = new Example('apollo/console.mjs', proxy.url, { user: provider.accountSid, password: provider.authToken });
  await subscribed();
  await example.says('Newest messages: none');
  const pages = example.lines.filter((line) => line.startsWith('Enterprises: '));
  expect([pages[0], pages.at(-1)]).toEqual(['Enterprises: 25 of 60', 'Enterprises: 60 of 60']);
  expect(example.stdout).toMatch(/^Created Example \S+: EN[0-9a-f]{32}$/m);
  expect(example.stdout).toMatch(/^ENTERPRISE_NAME_NOT_UNIQUE at name: \S/m);
  expect(example.stdout).toMatch(/^name: \S.*\nenterpriseAdmin\.email: \S/m);

  const first = await from.send();
  await example.says(`Newest messages: ${first} QUEUED`);
  await from.advance(first, { status: 'SENDING' });
  await example.says(`Newest messages: ${first} SENDING`);
  proxy.refuse();
  await from.advance(first, { status: 'SENT' });
  await proxy.heal();
  await example.says(`Newest messages: ${first} SENT`);
  const second = await from.send();
  await example.says(`Newest messages: ${second} QUEUED, ${first} SENT`);
  expect(shown(example)).toEqual(await committed(gateway, provider));

  proxy.refuse();
  const third = await from.send();
  await trimEvents(gateway.database.prisma, 0);
  await proxy.heal();
  await example.says(`Newest messages: ${third} QUEUED, ${second} QUEUED, ${first} SENT`);
  await subscribed();

  example.child.kill('SIGINT');
  expect(await example.exited, example.stderr).toEqual({ code: 0, signal: null });
  await proxy.close();
});

test('examples/apollo/console.mjs ends its live events when its access token is revoked', async () => {
  const provider = await gateway.provider();
  const { data } = await provider.graph(
    'mutation { made: createAccessToken(input: { expiresIn: 600, permissions: [READ, WRITE] }) { ... on CreateAccessTokenSuccess { token accessToken { sid } } } }',
  );
  example = new Example('apollo/console.mjs', gateway.url, { token: data.made.token });
  await subscribed();
  // Until then it may still be reading the list, and would tell of the refusal of that.
  await example.says('Newest messages: none');
  await provider.graph('mutation ($sid: ID!) { revokeAccessToken(input: { sid: $sid }) { __typename } }', {
    sid: data.made.accessToken.sid,
  });
  expect(await example.exited).toEqual({ code: 1, signal: null });
  expect(example.stderr).toContain('There are no more events: Socket closed with event 4401');
});

test('examples/apollo/possible-types.mjs matches the schema', async () => {
  const [generator, generated] = ['generate-possible-types.mjs', 'possible-types.mjs'].map((name) =>
    join(packageRoot(), 'examples', 'apollo', name),
  );
  const { stdout } = await promisify(execFile)(process.execPath, [String(generator)]);
  expect(await readFile(String(generated), 'utf8')).toBe(stdout);
});
