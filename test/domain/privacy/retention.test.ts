import { beforeAll, describe, expect, test } from 'vitest';
import { statusRank } from '../../../src/domain/messages/message-status.ts';
import { foldUsage } from '../../../src/domain/usage/fold-usage.ts';
import type { TestGateway } from '../../support/gateway.ts';
import { graphClient } from '../../support/graph.ts';
import { createSender } from '../../support/live.ts';
import { DAY_MS, type Graph, PHONE, privacyWorld } from './privacy-world.ts';

const people = privacyWorld();
const { world, mutate, age, bodiesOf, conversationsOf, eventsOf, retain, restored } = people;

let gateway: TestGateway;
beforeAll(() => {
  ({ gateway } = people);
});

describe('retention', () => {
  test('deletes old messages and nothing else; conversations and counts follow, usage stays', async () => {
    const { provider, from } = await world();
    const old = [await from.send(), await from.send({ to: '+15550122' }), await from.send()];
    const kept = [await from.send(), await from.send({ direction: 'OUTBOUND', from: PHONE, to: 'ann@e.example' })];
    await age(old, 40);
    const usage = () =>
      provider.graph('{ usage(from: "2020-01-01T00:00:00Z", to: "2030-01-01T00:00:00Z", granularity: MONTH) { messages } }');
    await foldUsage(gateway.database.prisma);
    const before = (await usage()).data;
    expect(await retain()).toEqual({ emptied: 0, deleted: 0 });
    await mutate(provider, 'setMessageRetention', { days: 30 }, 'organization { messageRetentionDays }');
    expect(await retain()).toEqual({ emptied: 0, deleted: 3 });
    const { totalCount, nodes } = await bodiesOf(provider);
    expect([totalCount, nodes.map(({ sid }: { sid: string }) => sid).sort()]).toEqual([2, [...kept].sort()]);
    expect(await conversationsOf(provider)).toMatchObject([
      { phone: PHONE, messagesFromTeams: 0, messagesFromPhone: 1 },
      { phone: '+15550100', messagesFromTeams: 1, messagesFromPhone: 0 },
    ]);
    const [now, anew] = await restored(provider.organizationSid);
    expect(now).toEqual(anew);
    expect((await usage()).data).toEqual(before);
  });

  test('takes the texts first where the event log still needs the message, and leaves one that is under way', async () => {
    const { provider, from } = await world();
    const [logged, underWay] = [await from.send({ body: 'secret' }), await from.send({ body: 'waiting', to: '+15550133' })];
    await age([logged], 20, { withEvents: true });
    await gateway.database.prisma.message.update({ where: { sid: underWay }, data: { dateCreated: new Date(Date.now() - 40 * DAY_MS) } });
    const input = { enterpriseSid: from.enterpriseSid, days: 10 };
    const set = await mutate(
      provider,
      'setMessageRetention',
      input,
      'organization { messageRetentionDays } enterprise { messageRetentionDays }',
    );
    expect(set).toEqual({ organization: { messageRetentionDays: null }, enterprise: { messageRetentionDays: 10 } });
    expect(await retain()).toEqual({ emptied: 1, deleted: 0 });
    expect((await bodiesOf(provider)).nodes.map(({ body }: { body: string }) => body).sort()).toEqual(['', 'waiting']);
    expect(await eventsOf(provider)).toHaveLength(2);
    expect(await retain()).toEqual({ emptied: 0, deleted: 0 });
  });

  test('leaves a message that was set aside, and lets none be sent again without its text', async () => {
    const { provider, from } = await world();
    const { prisma } = gateway.database;
    const [setAside, failed, logged] = [await from.send({ body: 'set aside' }), await from.send(), await from.send()];
    await age([setAside], 40);
    await age([failed, logged], 40, { withEvents: true });
    await prisma.message.update({
      where: { sid: setAside },
      data: { stuck: true, holdReason: 'RETRIES_EXHAUSTED', heldSince: new Date() },
    });
    await prisma.message.update({ where: { sid: failed }, data: { channelStatus: 'FAILED', statusRank: statusRank('FAILED') } });
    await mutate(provider, 'setMessageRetention', { days: 30 }, '__typename');
    expect(await retain()).toEqual({ emptied: 2, deleted: 0 });
    expect((await bodiesOf(provider)).nodes.map(({ body }: { body: string }) => body).sort()).toEqual(['', '', 'set aside']);
    expect(await mutate(provider, 'retryMessage', { sid: failed }, '__typename')).toMatchObject({ code: 'MESSAGE_NOT_STUCK' });
    expect(await mutate(provider, 'retryMessage', { sid: setAside }, '__typename')).toEqual({ __typename: 'RetryMessageSuccess' });
  });

  test('waits until the usage of before is counted', async () => {
    const { provider, from } = await world();
    const { organizationSid } = provider;
    await age([await from.send()], 40);
    await gateway.database.prisma.usageFill.create({ data: { organizationSid, position: new Date(0), until: new Date(1) } });
    await mutate(provider, 'setMessageRetention', { days: 30 }, '__typename');
    await retain();
    expect((await bodiesOf(provider)).totalCount).toBe(1);
    await gateway.database.prisma.usageFill.delete({ where: { organizationSid } });
    await retain();
    expect((await bodiesOf(provider)).totalCount).toBe(0);
  });

  test('of a conversation that nobody answered makes the next message from the phone the first', async () => {
    const { provider, from } = await world();
    const sids = [];
    for (let count = 0; count < 4; count += 1) sids.push(await from.send({ direction: 'OUTBOUND', from: PHONE, to: 'ann@e.example' }));
    await age(sids.slice(0, 2), 40);
    await gateway.database.prisma.outbox.deleteMany({ where: { messageSid: { in: sids } } });
    await restored(provider.organizationSid);
    await mutate(provider, 'setMessageRetention', { days: 30 }, '__typename');
    expect((await retain()).deleted).toBe(2);
    const [now, anew] = await restored(provider.organizationSid);
    expect(now).toEqual(anew);
    expect(now).toMatchObject([{ messagesFromPhone: 2, unansweredSince: expect.any(Date) }]);
  });

  test('of an enterprise outranks the organization’s, and that the setting', async () => {
    const { provider, from } = await world();
    const other = await createSender(gateway, provider);
    await age([await from.send(), await other.send()], 40);
    await mutate(provider, 'setMessageRetention', { enterpriseSid: from.enterpriseSid, days: 100 }, '__typename');
    await mutate(provider, 'setMessageRetention', { days: 50 }, '__typename');
    expect((await retain(30)).deleted).toBe(0);
    await mutate(provider, 'setMessageRetention', {}, '__typename');
    expect((await retain(30)).deleted).toBe(1);
    expect((await bodiesOf(provider)).totalCount).toBe(1);
  });

  test('deletes many in batches, and the conversation ends with the last', async () => {
    const { provider, from } = await world();
    const sids = [];
    for (let count = 0; count < 230; count += 1) sids.push(await from.send());
    await age(sids, 40);
    expect((await retain(30)).deleted).toBe(230);
    expect([(await bodiesOf(provider)).totalCount, await conversationsOf(provider)]).toEqual([0, []]);
  });

  test('that is set to what it is already leaves dateUpdated as it is', async () => {
    const { provider, from } = await world();
    const set = (input: object) => mutate(provider, 'setMessageRetention', input, 'enterprise { dateUpdated messageRetentionDays }');
    for (const days of [undefined, 30, undefined]) {
      const { enterprise } = await set({ enterpriseSid: from.enterpriseSid, days });
      expect((await set({ enterpriseSid: from.enterpriseSid, days })).enterprise).toEqual(enterprise);
    }
  });

  test('is set by the provider only, for its own', async () => {
    const [{ provider, from }, stranger] = [await world(), await gateway.provider()];
    const set = (by: Graph, input: object) => mutate(by, 'setMessageRetention', input, '__typename');
    expect(await set(stranger, { enterpriseSid: from.enterpriseSid, days: 1 })).toMatchObject({ code: 'ENTERPRISE_NOT_FOUND' });
    expect(await set(provider, { days: 0 })).toMatchObject({ code: 'INVALID_PARAMETER', path: ['days'] });
    const { token } = await mutate(
      provider,
      'createAccessToken',
      { expiresIn: 600, permissions: ['READ', 'WRITE'], enterpriseSid: from.enterpriseSid },
      'token',
    );
    expect(await set({ graph: graphClient(gateway.fetch, { token }) }, { days: 1 })).toMatchObject({ code: 'FORBIDDEN' });
    expect(await set({ graph: graphClient(gateway.fetch, { user: 'x', password: 'y' }) }, { days: 1 })).toEqual({
      code: 'UNAUTHENTICATED',
    });
  });
});
