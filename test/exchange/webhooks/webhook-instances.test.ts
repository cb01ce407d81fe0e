import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { PrismaClient } from '../../../prisma/client/client.ts';
import { claimEndpoints, renewClaims } from '../../../src/exchange/webhooks/claim-endpoints.ts';
import { createHostPlaces, type HostPlaces } from '../../../src/exchange/webhooks/host-places.ts';
import { saveTurn } from '../../../src/exchange/webhooks/save-turn.ts';
import { takeTurn } from '../../../src/exchange/webhooks/turn.ts';
import type { WebhookReceiver } from '../../fakes/webhook-receiver.ts';
import { until } from '../../support/exchange.ts';
import type { TestGateway } from '../../support/gateway.ts';
import { FAST, webhookWorld } from './webhook-world.ts';

const webhooks = webhookWorld();
const { start, mutate, register, shown, world } = webhooks;

const PLACES = { free: 10, perOrganization: 10, quick: 10, slow: 10 };

let gateway: TestGateway;
let receiver: WebhookReceiver;
beforeAll(() => {
  ({ gateway, receiver } = webhooks);
});

test('an instance without a place asks the database for no endpoint', async () => {
  const $queryRaw = vi.fn();
  expect(await claimEndpoints({ prisma: { $queryRaw } as unknown as PrismaClient }, { ...PLACES, quick: 0, slow: 0 }, [])).toEqual([]);
  expect($queryRaw).not.toHaveBeenCalled();
});

describe('several instances', () => {
  test('deliver each event once', async () => {
    const { provider, from } = await world();
    const { path, sid } = await register(provider);
    start();
    start();
    const sent = [];
    for (let count = 0; count < 20; count += 1) sent.push(await from.send());
    await until(async () => (await shown(provider, sid)).eventsBehind === 0);
    expect(
      receiver
        .received(path)
        .map(({ data }) => data.message.sid)
        .sort(),
    ).toEqual(sent.sort());
  });

  test('one that was frozen sends nothing once another has taken over, and saves nothing', async () => {
    const { provider, from } = await world();
    const { path, sid } = await register(provider);
    await from.send();
    const { gateway: deps, database } = gateway;
    const claimOne = async () => (await claimEndpoints(deps, PLACES, [])).find(({ endpoint }) => endpoint.sid === sid);
    const frozen = await claimOne();
    if (!frozen) return expect.unreachable();
    expect(await claimOne()).toBeUndefined();
    await database.prisma.webhookEndpoint.update({ where: { sid }, data: { due: new Date() } });
    const other = await claimOne();
    if (!other) return expect.unreachable();
    await renewClaims(deps, [frozen, other]);
    expect([frozen.leasedUntil, other.leasedUntil > performance.now()]).toEqual([0, true]);
    const [places, { signal }] = [createHostPlaces(), new AbortController()];
    const nothing = await takeTurn(deps, frozen, places, signal);
    expect([nothing.attempts, receiver.received(path)]).toEqual([[], []]);
    await saveTurn(deps, frozen, { ...nothing, position: 99n }, FAST);
    expect(await database.prisma.webhookEndpoint.findUnique({ where: { sid } })).toMatchObject({ position: 0n, holder: other.holder });
    await saveTurn(deps, other, await takeTurn(deps, other, places, signal), FAST);
    expect([await shown(provider, sid), receiver.received(path).length]).toMatchObject([{ eventsBehind: 0 }, 1]);
  });

  test.each([
    ['a replay', 'replayWebhookEndpoint', (cursor: string) => ({ after: cursor })],
    ['a rotation after failures', 'rotateWebhookEndpointSecret', () => ({})],
    ['a new URL', 'updateWebhookEndpoint', () => ({ url: `${receiver.url}/moved` })],
  ])('a turn that began before %s does not move the endpoint back, and no second one begins meanwhile', async (_, change, inputOf) => {
    const { provider, from } = await world();
    const { sid, cursor } = await register(provider);
    await from.send();
    await gateway.database.prisma.webhookEndpoint.update({ where: { sid }, data: { failures: 1 } });
    const claimed = async () => (await claimEndpoints(gateway.gateway, PLACES, [])).filter(({ endpoint }) => endpoint.sid === sid);
    const [claim] = await claimed();
    if (!claim) return expect.unreachable();
    const result = await takeTurn(gateway.gateway, claim, createHostPlaces(), new AbortController().signal);
    await mutate(provider, change, { sid, ...inputOf(cursor) }, '__typename');
    expect(await claimed()).toEqual([]);
    await saveTurn(gateway.gateway, claim, result, FAST);
    expect((await shown(provider, sid)).cursor).toBe(cursor);
    expect(await claimed()).toHaveLength(1);
  });

  test('a turn for which the host had no place makes the endpoint slow', async () => {
    const { provider, from } = await world();
    const { sid } = await register(provider);
    await from.send();
    const claim = (await claimEndpoints(gateway.gateway, PLACES, [])).find(({ endpoint }) => endpoint.sid === sid);
    if (!claim) return expect.unreachable();
    const full: HostPlaces = {
      run: (_host, _endpoint, work) => {
        claim.leasedUntil = 0;
        return work();
      },
    };
    await saveTurn(gateway.gateway, claim, await takeTurn(gateway.gateway, claim, full, new AbortController().signal), FAST);
    expect(await gateway.database.prisma.webhookEndpoint.findUnique({ where: { sid } })).toMatchObject({ slow: true, failures: 0 });
  });
});
