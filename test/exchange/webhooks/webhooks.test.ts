import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../../src/database/package-root.ts';
import { trimEvents } from '../../../src/domain/events/events.ts';
import { createSecrets } from '../../../src/domain/secrets.ts';
import { recordAttempts } from '../../../src/domain/webhooks/attempts.ts';
import type { WebhookReceiver } from '../../fakes/webhook-receiver.ts';
import { until } from '../../support/exchange.ts';
import type { TestGateway } from '../../support/gateway.ts';
import { createSender } from '../../support/live.ts';
import { FAST, webhookWorld } from './webhook-world.ts';

const DAY_MS = 24 * 60 * 60_000;

const webhooks = webhookWorld();
const { start, stop, mutate, register, shown, world, arrived } = webhooks;

let gateway: TestGateway;
let receiver: WebhookReceiver;
beforeAll(() => {
  ({ gateway, receiver } = webhooks);
});

const typesOf = (events: readonly { type: string }[]) => events.map(({ type }) => type);

describe('an endpoint', () => {
  test('receives the events of a message in order, signed, as documented; and no others', async () => {
    const { provider, from } = await world();
    await from.send();
    const { path, sid, cursor } = await register(provider);
    const { enterpriseSid } = await createSender(gateway, provider);
    const [narrow, chosen, bare] = [
      await register(provider, { enterpriseSid }),
      await register(provider, { eventTypes: ['MESSAGE_DELIVERED'] }),
      await register(provider, { withBody: false }),
    ];
    const message = await from.send({ body: 'Grüße' });
    for (const status of ['SENDING', 'SENT', 'DELIVERED'] as const) await from.advance(message, { status, restcommMessageSid: message });
    start();
    const events = await arrived(path, 4);
    expect(typesOf(events)).toEqual(['message.queued', 'message.sending', 'message.sent', 'message.delivered']);
    expect(events[0]).toMatchObject({
      id: `${sid}_${events[0]?.data.cursor}`,
      data: { status: 'QUEUED', previousStatus: null, message: { sid: message, body: 'Grüße', to: '+15550100', direction: 'INBOUND' } },
    });
    const validate = new Ajv2020({ strict: true }).compile(
      JSON.parse(readFileSync(join(packageRoot(), 'docs/webhooks.schema.json'), 'utf8')),
    );
    for (const { id, path, ...payload } of events) expect([validate(payload), validate.errors]).toEqual([true, null]);
    expect(typesOf(await arrived(chosen.path, 1))).toEqual(['message.delivered']);
    expect((await arrived(bare.path, 4))[0]?.data.message).toMatchObject({ sid: message, body: null, mediaUrls: null });
    const after = await until(async () => {
      const now = await shown(provider, sid);
      return now.eventsBehind === 0 && (await shown(provider, narrow.sid)).cursor === now.cursor && now;
    });
    expect(receiver.received(narrow.path)).toEqual([]);
    expect(after).toMatchObject({ status: 'ACTIVE', failures: 0, cursor: events[3]?.data.cursor });
    expect(after.cursor).not.toBe(cursor);
    expect(after.attempts[0]).toEqual({
      ...{ webhookId: `${sid}_${after.cursor}`, eventType: 'message.delivered', messageSid: message, status: 204, error: null },
    });
  });

  test('that fails receives the same event again, with the same id, and none behind it before', async () => {
    const { provider, from } = await world();
    const { path, sid } = await register(provider);
    const before = receiver.requests.length;
    receiver.fault('hook', { answer: { status: 500 } });
    receiver.fault('hook', { reset: 'before' });
    receiver.fault('hook', { answer: { status: 302, headers: { location: `${receiver.url}/elsewhere` } } });
    const message = await from.send();
    await from.advance(message, { status: 'SENDING', restcommMessageSid: message });
    start();
    const events = await arrived(path, 2);
    expect(typesOf(events)).toEqual(['message.queued', 'message.sending']);
    const ids = receiver.requests.slice(before).map(({ headers }) => headers['webhook-id']);
    const [queued, sending] = events.map(({ data }) => `${sid}_${data.cursor}`);
    expect(ids).toEqual([...Array(4).fill(queued), sending]);
    const { attempts, failures } = await until(async () => {
      const now = await shown(provider, sid);
      return now.attempts.length === 5 && now.failures === 0 && now;
    });
    expect([attempts.map(({ status }: { status: number }) => status), failures]).toEqual([[204, 204, 302, null, 500], 0]);
    expect(attempts[3].error).toMatch(/^127\.0\.0\.1:\d+ broke the connection/);
  });

  test('keeps its latest 100 attempts, and a list shows all of them', async () => {
    const { provider } = await world();
    const { sid } = await register(provider);
    const { organizationSid } = await gateway.gateway.prisma.webhookEndpoint.findUniqueOrThrow({ where: { sid } });
    const outcome = { eventType: 'message.sent', messageSid: null, status: 204, error: null, durationMs: 1 };
    const record = (from: number, to: number) => {
      const attempts = Array.from({ length: to - from }, (_, index) => ({ ...outcome, webhookId: `attempt-${from + index}` }));
      return recordAttempts(gateway.gateway, { sid, organizationSid }, attempts);
    };
    await record(0, 90);
    await record(90, 130);
    const list = (first: number) => provider.graph(`{ webhookEndpoint(sid: "${sid}") { attempts(first: ${first}) { webhookId } } }`);
    const { data } = await list(100);
    expect(data.webhookEndpoint.attempts.map(({ webhookId }: { webhookId: string }) => webhookId)).toEqual(
      Array.from({ length: 100 }, (_, index) => `attempt-${129 - index}`),
    );
    expect(await gateway.gateway.prisma.webhookAttempt.count({ where: { endpointSid: sid } })).toBe(100);
    expect((await list(101)).errors?.[0]?.extensions?.code).toBe('INVALID_PARAMETER');
  });

  test('gets other messages’ events once although one message is refused', async () => {
    const { provider, from } = await world();
    const { path, sid } = await register(provider);
    const messages = [await from.send(), await from.send(), await from.send()];
    receiver.fault('hook', { times: 1, answer: { status: 503, headers: { 'retry-after': '0' } } });
    start();
    const events = await arrived(path, 3);
    await until(async () => (await shown(provider, sid)).eventsBehind === 0);
    expect(events.map(({ data }) => data.message.sid).sort()).toEqual([...messages].sort());
    expect(receiver.received(path)).toHaveLength(3);
  });

  test('that says when to retry is left alone until then', async () => {
    const { provider, from } = await world();
    const { sid } = await register(provider);
    receiver.fault('hook', { answer: { status: 429, headers: { 'retry-after': '3600' } } });
    await from.send();
    start();
    const { due, failures } = await until(async () => {
      const row = await gateway.database.prisma.webhookEndpoint.findUniqueOrThrow({ where: { sid } });
      return row.failures > 0 && row;
    });
    expect(failures).toBe(1);
    expect(due.getTime() - Date.now()).toBeGreaterThan(3_500_000);
  });

  test('that is gone is disabled at once, and told; it continues where it ended once it is enabled', async () => {
    const { provider, from } = await world();
    const { path, sid } = await register(provider);
    receiver.fault('hook', { answer: { status: 410 } });
    await from.send();
    const counted: string[] = [];
    start(FAST, (reason) => counted.push(reason));
    const disabled = await until(async () => {
      const now = await shown(provider, sid);
      return now.status === 'DISABLED' && now;
    });
    expect(disabled).toMatchObject({ disabledReason: 'GONE', eventsBehind: 1 });
    await until(async () => counted.length > 0);
    expect(counted).toEqual(['GONE']);
    const { data } = await provider.graph(`{ auditLog(filter: { targetSid: "${sid}" }, first: 1) { nodes { action account { sid } } } }`);
    expect(data.auditLog.nodes).toEqual([{ action: 'WEBHOOK_DISABLE', account: null }]);
    expect(await mutate(provider, 'updateWebhookEndpoint', { sid, enabled: true })).toMatchObject({
      webhookEndpoint: { status: 'ACTIVE', disabledReason: null },
    });
    expect(typesOf(await arrived(path, 1))).toEqual(['message.queued']);
  });

  test('that has failed for three days is disabled', async () => {
    const { provider, from } = await world();
    const { sid } = await register(provider);
    receiver.fault('hook', { times: 100, answer: { status: 500 } });
    await from.send();
    start();
    await until(async () => (await shown(provider, sid)).failures > 1);
    const failingSince = new Date(Date.now() - 3 * DAY_MS);
    await stop();
    // Nothing was sent to it for most of that time.
    const due = new Date(Date.now() - 2 * DAY_MS);
    const { failures } = await gateway.database.prisma.webhookEndpoint.update({ where: { sid }, data: { failingSince, due } });
    start();
    await until(async () => (await shown(provider, sid)).failures > failures + 1);
    expect((await shown(provider, sid)).status).toBe('ACTIVE');
    await stop();
    await gateway.database.prisma.webhookEndpoint.update({ where: { sid }, data: { failingSince } });
    const counted: string[] = [];
    start(FAST, (reason) => counted.push(reason));
    await until(async () => (await shown(provider, sid)).disabledReason === 'FAILING' && counted.length > 0);
    expect(counted).toEqual(['FAILING']);
  });

  test('receives webhook.gap for events that were deleted before they could be sent', async () => {
    const { provider, from } = await world();
    const { path, sid } = await register(provider);
    const narrow = [
      await register(provider, { enterpriseSid: from.enterpriseSid }),
      await register(provider, { eventTypes: ['MESSAGE_QUEUED'] }),
    ];
    for (let count = 0; count < 3; count += 1) await from.send();
    const { organizationSid } = provider;
    await gateway.database.prisma.messageEvent.updateMany({
      where: { organizationSid, seq: { lte: 2 } },
      data: { occurredAt: new Date(Date.now() - 40 * DAY_MS) },
    });
    await trimEvents(gateway.database.prisma, 30 * DAY_MS);
    start();
    const [gap, event] = await arrived(path, 2);
    expect([gap?.type, gap?.id, gap?.data.events, event?.type, event?.id]).toEqual([
      ...['webhook.gap', `${sid}_${gap?.data.cursor}_gap`, 2, 'message.queued', `${sid}_${event?.data.cursor}`],
    ]);
    // How many of the events were for these endpoints is no longer known, and they must not learn the number of the whole organization.
    for (const { path } of narrow) {
      const [gap, event] = await arrived(path, 2);
      expect([gap?.type, gap?.data.events, event?.type]).toEqual(['webhook.gap', null, 'message.queued']);
    }
  });

  test('of one enterprise tells its owner in nothing how many events the whole organization has', async () => {
    const { provider, from } = await world();
    const other = await createSender(gateway, provider);
    for (let count = 0; count < 3; count += 1) await other.send();
    const { path, sid, cursor } = await register(provider, { enterpriseSid: from.enterpriseSid });
    start();
    const messages = [await from.send(), await other.send(), await from.send()];
    const events = await arrived(path, 2);
    const [first, second] = [messages[0], messages[2]].map((message) => events.find(({ data }) => data.message.sid === message));
    const after = await until(async () => {
      const now = await shown(provider, sid);
      return now.cursor === second?.data.cursor && now;
    });
    expect(after.eventsBehind).toBeNull();
    const { logId } = await gateway.database.prisma.eventHead.findUniqueOrThrow({ where: { organizationSid: provider.organizationSid } });
    const shownCursors = [cursor, first?.data.cursor, second?.data.cursor] as string[];
    expect([first?.id, second?.id]).toEqual([`${sid}_${shownCursors[1]}`, `${sid}_${shownCursors[2]}`]);
    const opaque = shownCursors.map((text) => Buffer.from(text, 'base64url'));
    for (const bytes of opaque) expect([bytes.includes(logId), bytes.length]).toEqual([false, 16]);
    // No part of them counts, nor stays the same.
    for (let at = 0; at < 16; at += 8) expect(new Set(opaque.map((bytes) => bytes.readBigUInt64BE(at) >> 16n)).size).toBe(3);
  });

  test('whose secret the gateway cannot open says so, is not disabled for it, and receives its events after a rotation', async () => {
    const { provider, from } = await world();
    const { path, sid } = await register(provider);
    // Sealed under a key that the gateway does not have.
    const secret = createSecrets(randomBytes(32)).seal('whsec_lost', sid);
    await gateway.database.prisma.webhookEndpoint.update({ where: { sid }, data: { secret } });
    await from.send();
    start({ ...FAST, giveUpMs: 0 });
    const failing = await until(async () => {
      const endpoint = await shown(provider, sid);
      return endpoint.failures > 1 && endpoint;
    });
    expect(failing).toMatchObject({ status: 'ACTIVE', eventsBehind: 1 });
    expect(failing.attempts[0]).toMatchObject({ status: null, error: expect.stringMatching(/key of this endpoint’s secret/) });
    expect(await mutate(provider, 'testWebhookEndpoint', { sid }, 'accepted status error')).toMatchObject({
      ...{ accepted: false, status: null, error: failing.attempts[0].error },
    });
    await stop();
    const rotated = await mutate(provider, 'rotateWebhookEndpointSecret', { sid }, 'secret');
    receiver.trust(path, rotated.secret);
    start();
    expect(typesOf(await arrived(path, 1))).toEqual(['message.queued']);
  });

  test('receives events again after a cursor, or since a time', async () => {
    const { provider, from } = await world();
    const { path, sid, cursor } = await register(provider);
    const [first, second] = [await from.send(), await from.send()];
    start();
    const [one, two] = await arrived(path, 2);
    await until(async () => (await shown(provider, sid)).eventsBehind === 0);
    const replay = (input: object) => mutate(provider, 'replayWebhookEndpoint', { sid, ...input });
    expect((await replay({ after: cursor })).webhookEndpoint.cursor).toBe(cursor);
    await arrived(path, 4);
    await until(async () => (await shown(provider, sid)).eventsBehind === 0);
    await gateway.database.prisma.messageEvent.updateMany({
      where: { organizationSid: provider.organizationSid, seq: 1 },
      data: { occurredAt: new Date(Date.now() - DAY_MS) },
    });
    await replay({ since: new Date(Date.now() - DAY_MS / 2) });
    const events = await arrived(path, 5);
    expect(events.map(({ data }) => data.message.sid).sort()).toEqual([first, first, second, second, second].sort());
    expect(new Set(events.map(({ id }) => id))).toEqual(new Set([one?.id, two?.id]));
    const stranger = await gateway.provider();
    const foreign = await register(stranger);
    expect(await replay({ after: foreign.cursor })).toMatchObject({ code: 'CURSOR_INVALID' });
    expect(await replay({})).toMatchObject({ code: 'INVALID_PARAMETER' });
  });

  test('accepts either secret while they are rotated', async () => {
    const { provider, from } = await world();
    const { path, sid, secret } = await register(provider);
    const rotate = (input: object) => mutate(provider, 'rotateWebhookEndpointSecret', { sid, ...input }, 'secret webhookEndpoint { sid }');
    const rotated = await rotate({});
    expect(rotated.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    await from.send();
    start();
    await arrived(path, 1);
    receiver.trust(path, rotated.secret);
    await from.send();
    await arrived(path, 2);
    await rotate({ overlap: 0 });
    const test = () => mutate(provider, 'testWebhookEndpoint', { sid }, 'accepted status error');
    expect(await test()).toEqual({ accepted: false, status: 401, error: null });
    receiver.trust(path, secret);
    expect((await test()).accepted).toBe(false);
  });

  test('receives all events again after an empty list of them', async () => {
    const { provider } = await world();
    const { sid } = await register(provider, { eventTypes: ['MESSAGE_FAILED'] });
    const update = (eventTypes: string[] | null) =>
      mutate(provider, 'updateWebhookEndpoint', { sid, eventTypes }, 'webhookEndpoint { eventTypes }');
    expect(await update(null)).toEqual({ webhookEndpoint: { eventTypes: ['MESSAGE_FAILED'] } });
    expect(await update([])).toEqual({ webhookEndpoint: { eventTypes: [] } });
  });

  test('can be tested, even a disabled one', async () => {
    const { provider } = await world();
    const { path, sid } = await register(provider);
    await mutate(provider, 'updateWebhookEndpoint', { sid, enabled: false });
    const test = () => mutate(provider, 'testWebhookEndpoint', { sid }, 'accepted webhookId status error');
    const outcome = await test();
    expect(outcome).toEqual({ accepted: true, webhookId: expect.stringContaining(sid), status: 204, error: null });
    expect(receiver.received(path)).toMatchObject([{ type: 'webhook.test', data: { endpointSid: sid } }]);
    receiver.fault('hook', { delayMs: 2500 });
    expect(await test()).toMatchObject({ accepted: false, status: null, error: expect.stringMatching(/did not respond in time/) });
    expect((await shown(provider, sid)).attempts.map(({ eventType }: { eventType: string }) => eventType)).toEqual(
      Array(2).fill('webhook.test'),
    );
  });
});

test('slow endpoints do not delay those of other organizations', async () => {
  const [slow, quick] = [await world(), await world()];
  for (let count = 0; count < 12; count += 1) {
    await register(slow.provider);
  }
  const { path } = await register(quick.provider);
  receiver.fault('hook', { times: 8, delayMs: 1800 });
  await slow.from.send();
  start();
  await receiver.until(() => receiver.requests.filter(({ status }) => status === undefined).length >= 8);
  const begin = performance.now();
  await quick.from.send();
  await arrived(path, 1);
  expect(performance.now() - begin).toBeLessThan(1500);
});
