import { beforeAll, expect, test } from 'vitest';
import { createHostPlaces } from '../../../src/exchange/webhooks/host-places.ts';
import type { WebhookReceiver } from '../../fakes/webhook-receiver.ts';
import { done, fresh, newEnterprise } from '../../parity/faces.ts';
import { until } from '../../support/exchange.ts';
import type { TestGateway } from '../../support/gateway.ts';
import { graphClient } from '../../support/graph.ts';
import { webhookWorld } from './webhook-world.ts';

const webhooks = webhookWorld({ timeoutMs: 8000 });
const { start, startOther, register, shown, world, arrived } = webhooks;

let gateway: TestGateway;
let receiver: WebhookReceiver;
beforeAll(() => {
  ({ gateway, receiver } = webhooks);
});

/** The endpoints that have a place. */
const placed = (slow: boolean) => gateway.database.prisma.webhookEndpoint.findMany({ where: { slow, holder: { not: null } } });

test('endpoints that turn slow, or were, never take the places of a quick one, and share theirs between organizations', async () => {
  const slow = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const [receiver, { provider, from }] = await Promise.all([startOther(), world()]);
      receiver.fault('hook', { times: Number.POSITIVE_INFINITY, delayMs: 60_000 });
      for (let count = 0; count < 8; count += 1) await register(provider, { url: `${receiver.url}/${fresh.key()}` });
      await from.send();
      return { receiver, from };
    }),
  );
  const { provider, from } = await world();
  const { path } = await register(provider);
  start();
  await until(async () => (await placed(false)).length === 32);
  await from.send();
  await arrived(path, 1);
  // None of the others had ended.
  expect(await gateway.database.prisma.webhookEndpoint.count({ where: { slow: true } })).toBe(0);
  await until(async () => (await gateway.database.prisma.webhookEndpoint.count({ where: { slow: true } })) === 32);
  // Each organization gets some of the places for slow ones, whichever came first.
  await until(async () => new Set((await placed(true)).map(({ organizationSid }) => organizationSid)).size === 4);
  await from.send();
  await arrived(path, 2);
  expect((await placed(true)).length).toBeLessThanOrEqual(8);
  await Promise.all(slow.map(({ receiver }) => receiver.close()));
});

test('requests to slow endpoints leave half of a host’s places to others', async () => {
  const places = createHostPlaces(4);
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  let begun = 0;
  const hang = () => {
    begun += 1;
    return ended;
  };
  const slow = Array.from({ length: 4 }, (_, index) => places.run('host', { organizationSid: `slow ${index}`, slow: true }, hang));
  expect(await places.run('host', { organizationSid: 'quick', slow: false }, async () => begun)).toBe(2);
  end();
  await Promise.all(slow);
  expect(begun).toBe(4);
});

test('an endpoint pauses while the account that has created it is suspended, and loses nothing', async () => {
  const { provider, from } = await world();
  const query = `mutation { createAccount(input: { email: "${fresh.email()}", permissions: [READ, WRITE] }) {
    ... on CreateAccountSuccess { authToken account { sid } } } }`;
  const { account, authToken } = (await provider.graph(query)).data.createAccount;
  const reseller = { graph: graphClient(gateway.fetch, { user: account.sid, password: authToken }) };
  const [theirs, ours] = [await register(reseller), await register(provider)];
  const change = (name: string) => provider.graph(`mutation { ${name}(input: { sid: "${account.sid}" }) { __typename } }`);
  await change('suspendAccount');
  start();
  const message = await from.send();
  await arrived(ours.path, 1);
  // A second event, so that the sender has looked again since.
  await from.advance(message, { status: 'SENDING', restcommMessageSid: message });
  await arrived(ours.path, 2);
  expect(receiver.requests.filter(({ path }) => path === theirs.path)).toEqual([]);
  expect(await shown(provider, theirs.sid)).toMatchObject({ status: 'ACTIVE', eventsBehind: 2 });
  await change('activateAccount');
  expect((await arrived(theirs.path, 2)).map(({ type }) => type)).toEqual(['message.queued', 'message.sending']);
});

test('an endpoint that an enterprise’s admin has created pauses while the enterprise is not active', async () => {
  const { provider, from } = await world();
  await provider.graph('mutation { updateOrganization(input: { features: [ADMIN_EXPORT] }) { __typename } }');
  const made = newEnterprise();
  const { sid, admin } = await done(provider, 'createEnterprise', made);
  const { password } = made.enterpriseAdmin as { password: string };
  const theirs = await register({ graph: graphClient(gateway.fetch, { user: admin.sid, password }) });
  // The log moves on for all endpoints of the organization.
  const { cursor } = await shown(provider, theirs.sid);
  const ours = await register(provider);
  await done(provider, 'updateEnterprise', { sid, status: 'INACTIVE' });
  start();
  await from.send();
  await arrived(ours.path, 1);
  await from.send();
  await arrived(ours.path, 2);
  expect((await shown(provider, theirs.sid)).cursor).toBe(cursor);
  await done(provider, 'updateEnterprise', { sid, status: 'ACTIVE' });
  await until(async () => (await shown(provider, theirs.sid)).cursor !== cursor);
});
