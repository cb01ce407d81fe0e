import { afterAll, beforeAll, expect, test } from 'vitest';
import { startFaultProxy } from '../fakes/fault-proxy.ts';
import type { Provider } from '../support/gateway.ts';
import { createLiveGateway, type LiveGateway } from '../support/live.ts';
import { createEnterprises } from './enterprises.ts';
import { Example } from './start-example.ts';

let gateway: LiveGateway;
beforeAll(async () => {
  gateway = await createLiveGateway();
});
afterAll(() => gateway.close());

const credentialsOf = ({ accountSid, authToken }: Provider) => ({ user: accountSid, password: authToken });

test('examples/rest.mjs creates an enterprise once, finds it, pages through the list, handles a refusal, and closes it', async () => {
  const provider = await gateway.provider();
  await createEnterprises(gateway, provider, 60);
  const example = new Example('rest.mjs', gateway.url, credentialsOf(provider));
  expect(await example.exited, example.stderr).toEqual({ code: 0, signal: null });
  const [, name, sid] = /^Created (Example \S+): (EN[0-9a-f]{32})$/m.exec(example.stdout) ?? [];
  expect(example.lines).toEqual([
    `Created ${name}: ${sid}`,
    `Sent again with the same key: ${sid}`,
    `Found 1 by name: ${sid}`,
    'Page 1 of 3: 25 enterprises',
    'Page 2 of 3: 25 enterprises',
    'Page 3 of 3: 11 enterprises',
    expect.stringMatching(/^The name is taken \(4050\): \S/),
    `Closed ${sid}: CLOSED`,
  ]);
});

test('examples/rest.mjs repeats a change whose response is lost, and it is made once', async () => {
  const provider = await gateway.provider();
  const proxy = await startFaultProxy(gateway.url);
  proxy.loseAnswerTo('idempotency-key');
  const example = new Example('rest.mjs', proxy.url, credentialsOf(provider));
  expect(await example.exited, example.stderr).toEqual({ code: 0, signal: null });
  expect(example.stdout).toMatch(/^Page 1 of 1: 1 enterprises$/m);
  await proxy.close();
});

test('examples without credentials name the ones they need', async () => {
  const example = new Example('rest.mjs', gateway.url, { user: '', password: '' });
  expect(await example.exited).toEqual({ code: 2, signal: null });
  expect(example.stderr).toContain('ACCOUNT_SID and AUTH_TOKEN');
});
