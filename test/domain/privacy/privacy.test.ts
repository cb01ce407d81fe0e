import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { trimEvents } from '../../../src/domain/events/events.ts';
import { statusRank } from '../../../src/domain/messages/message-status.ts';
import { deleteErased, erasePeople } from '../../../src/domain/privacy/erase-people.ts';
import { retainMessages } from '../../../src/domain/privacy/retain-messages.ts';
import { foldUsage } from '../../../src/domain/usage/fold-usage.ts';
import { newSid } from '../../../src/domain/values/sid.ts';
import { unknownSid } from '../../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../../support/gateway.ts';
import { graphClient } from '../../support/graph.ts';
import { createSender, type Sender } from '../../support/live.ts';

const DAY_MS = 24 * 60 * 60_000;
const PHONE = '+15550111';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await createTestGateway();
});
afterAll(() => gateway.close());

async function world(): Promise<{ provider: Provider; from: Sender }> {
  const provider = await gateway.provider();
  return { provider, from: await createSender(gateway, provider) };
}

type Graph = Pick<Provider, 'graph'>;
async function mutate({ graph }: Graph, name: string, input: object, selected: string) {
  const type = name.replace(/^./, (letter) => letter.toUpperCase());
  const { data, errors } = await graph(
    `mutation ($input: ${type}Input!) { made: ${name}(input: $input) { ... on ${type}Success { ${selected} } ... on Error { code path value } } }`,
    { input },
  );
  return data?.made ?? { code: errors?.[0]?.extensions?.code };
}

/** Makes messages so old, and delivered; with their events, unless these are past their retention. */
async function age(sids: readonly string[], days: number, { withEvents = false } = {}) {
  const { prisma } = gateway.database;
  const time = new Date(Date.now() - days * DAY_MS);
  await prisma.outbox.deleteMany({ where: { messageSid: { in: [...sids] } } });
  await prisma.message.updateMany({ where: { sid: { in: [...sids] } }, data: { dateCreated: time } });
  await prisma.messageEvent.updateMany({ where: { messageSid: { in: [...sids] } }, data: { occurredAt: time } });
  if (!withEvents) await trimEvents(prisma, 30 * DAY_MS);
}

const bodiesOf = async ({ graph }: Graph) =>
  (await graph('{ messages(first: 100) { totalCount nodes { sid body mediaUrls from to } } }')).data.messages;
const conversationsOf = async ({ graph }: Graph) =>
  (
    await graph(`{ conversations(first: 100) { nodes { phone messagesFromTeams messagesFromPhone messagesFailed dateCreated unansweredSince
      lastMessage { sid } } } }`)
  ).data.conversations.nodes;
const eventsOf = async ({ graph }: Graph): Promise<string[]> =>
  (await graph('{ messageEvents(first: 100) { nodes { message { sid } } } }')).data.messageEvents.nodes.map(
    ({ message }: { message: { sid: string } }) => message.sid,
  );
const retain = (days?: number) => retainMessages(gateway.gateway, days);

/** What the conversations are if they are made anew from the messages. */
async function restored(organizationSid: string) {
  const { prisma } = gateway.database;
  const read = () => prisma.conversation.findMany({ where: { organizationSid }, orderBy: { sid: 'asc' } });
  const kept = await read();
  await prisma.$executeRaw`SELECT restore_conversations(ARRAY(SELECT sid FROM conversation WHERE organization_sid = ${organizationSid}))`;
  return [kept, await read()];
}

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

const erase = (by: Graph, input: object) => mutate(by, 'erasePerson', input, 'personErasure { sid messages waiting dateCompleted }');
const shown = async ({ graph }: Graph, sid: string) =>
  (await graph(`{ personErasure(sid: "${sid}") { messages waiting dateCompleted } }`)).data.personErasure;

/** Every text of the organization's rows, but for the audit log's. */
async function texts({ organizationSid }: Provider): Promise<string> {
  const { pool } = gateway.database;
  const tables = [
    'message',
    'message_event',
    'conversation',
    'teams_conversation',
    'teams_installation',
    'held_text',
    'notice',
    'person_erasure',
    'released_mapping',
  ];
  const found = await Promise.all(
    [...tables, 'mapping_import_row', 'audit_log'].map((table) =>
      pool.query(`SELECT row_to_json(t)::text AS text FROM ${table} t WHERE organization_sid = $1`, [organizationSid]),
    ),
  );
  return found.flatMap(({ rows }) => rows.map(({ text }) => text)).join('\n');
}

describe('erasePerson', () => {
  test('erases a phone in either direction, while the event log keeps its numbers', async () => {
    const { provider, from } = await world();
    const other = await from.send({ body: 'stays' });
    const sids = [
      await from.send({ to: PHONE, body: 'to them' }),
      await from.send({ direction: 'OUTBOUND', from: PHONE, to: 'ann@e.example', body: 'from them' }),
    ];
    const waiting = await from.send({ to: PHONE, body: 'under way', lane: 'another' });
    const { prisma } = gateway.database;
    await prisma.outbox.deleteMany({ where: { messageSid: { in: sids } } });
    const { personErasure, code } = await erase(provider, { phoneNumber: '+1 555 0111' });
    expect([code, personErasure]).toMatchObject([undefined, { messages: 0, dateCompleted: null }]);
    await erasePeople(gateway.gateway);
    expect(await shown(provider, personErasure.sid)).toEqual({ messages: 2, waiting: 1, dateCompleted: null });
    await prisma.outbox.deleteMany({ where: { messageSid: waiting } });
    await erasePeople(gateway.gateway);
    expect(await shown(provider, personErasure.sid)).toMatchObject({ messages: 3, waiting: 0, dateCompleted: expect.any(String) });
    const left = await texts(provider);
    for (const text of ['5550111', 'to them', 'from them', 'under way']) expect([text, left.includes(text)]).toEqual([text, false]);
    expect((await conversationsOf(provider)).map(({ phone }: { phone: string }) => phone)).toEqual(['+15550100']);
    expect(await eventsOf(provider)).toEqual([other, ...sids, waiting]);
    const { data } = await provider.graph(`{ auditLog(filter: { targetSid: "${personErasure.sid}" }) { nodes { action } } }`);
    expect(data.auditLog.nodes).toEqual([{ action: 'PERSON_ERASE' }]);
  });

  test('deletes what is left once the event log needs it no more', async () => {
    const { provider, from } = await world();
    const sid = await from.send({ to: PHONE });
    await gateway.database.prisma.outbox.deleteMany({ where: { messageSid: sid } });
    await erase(provider, { phoneNumber: PHONE });
    await erasePeople(gateway.gateway);
    expect([await deleteErased(gateway.database.prisma), (await bodiesOf(provider)).totalCount]).toEqual([0, 1]);
    await age([sid], 40);
    await gateway.database.prisma.erasedMessage.updateMany({ data: { dateCreated: new Date(Date.now() - 40 * DAY_MS) } });
    expect([await deleteErased(gateway.database.prisma), (await bodiesOf(provider)).totalCount]).toEqual([1, 0]);
    expect(await gateway.database.prisma.erasedMessage.count({ where: { messageSid: sid } })).toBe(0);
  });

  test('erases a Teams user whose mapping is deleted', async () => {
    const { provider, from } = await world();
    const { microsoftAddress } = await gateway.database.prisma.mapping.findUniqueOrThrow({ where: { sid: from.mappingSid } });
    const sid = await from.send({ body: 'their text' });
    await gateway.database.prisma.outbox.deleteMany({ where: { messageSid: sid } });
    const objectId = '6f1f7c1e-0000-4000-8000-000000000001';
    await gateway.database.prisma.teamsConversation.create({
      data: {
        organizationSid: provider.organizationSid,
        enterpriseSid: from.enterpriseSid,
        objectId,
        conversationId: 'a:1',
        serviceUrl: 'https://x',
      },
    });
    const input = { microsoftAddress: microsoftAddress.toUpperCase(), microsoftObjectId: objectId };
    expect(await erase(provider, input)).toMatchObject({ code: 'PERSON_HAS_MAPPINGS', value: from.mappingSid });
    await mutate(provider, 'deleteMapping', { sid: from.mappingSid }, '__typename');
    const { personErasure } = await erase(provider, input);
    await erasePeople(gateway.gateway);
    expect(await shown(provider, personErasure.sid)).toMatchObject({ messages: 1, dateCompleted: expect.any(String) });
    const left = await texts(provider);
    for (const text of [microsoftAddress, objectId, 'their text']) expect([text, left.includes(text)]).toEqual([text, false]);
  });

  test('leaves what is newer than the request, and messages that were set aside until they are retried', async () => {
    const { provider, from } = await world();
    const { prisma } = gateway.database;
    const [old, setAside] = [await from.send({ to: PHONE, body: 'old' }), await from.send({ to: PHONE, body: 'set aside' })];
    await age([old, setAside], 1, { withEvents: true });
    await prisma.message.update({
      where: { sid: setAside },
      data: { stuck: true, holdReason: 'RETRIES_EXHAUSTED', heldSince: new Date() },
    });
    const { personErasure } = await erase(provider, { phoneNumber: PHONE });
    const { dateCreated } = await prisma.personErasure.findUniqueOrThrow({ where: { sid: personErasure.sid } });
    const newer = await from.send({ to: PHONE, body: 'new' });
    await prisma.message.update({ where: { sid: newer }, data: { dateCreated: new Date(dateCreated.getTime() + 1) } });
    await erasePeople(gateway.gateway);
    expect(await shown(provider, personErasure.sid)).toEqual({ messages: 1, waiting: 1, dateCompleted: null });
    expect(await conversationsOf(provider)).toMatchObject([{ phone: PHONE, messagesFromTeams: 2 }]);
    await prisma.message.update({ where: { sid: setAside }, data: { stuck: false } });
    await erasePeople(gateway.gateway);
    expect(await shown(provider, personErasure.sid)).toMatchObject({ messages: 2, waiting: 0, dateCompleted: expect.any(String) });
    expect((await bodiesOf(provider)).nodes.map(({ body }: { body: string }) => body).sort()).toEqual(['', '', 'new']);
    expect(await conversationsOf(provider)).toMatchObject([{ phone: PHONE, messagesFromTeams: 1, lastMessage: { sid: newer } }]);
  });

  test('reaches the kept result of a message that was retried after the request', async () => {
    const { provider, from } = await world();
    const { prisma } = gateway.database;
    const setAside = await from.send({ to: PHONE, body: 'set aside' });
    await age([setAside], 1, { withEvents: true });
    await prisma.message.update({
      where: { sid: setAside },
      data: { stuck: true, holdReason: 'RETRIES_EXHAUSTED', heldSince: new Date() },
    });
    const { personErasure } = await erase(provider, { phoneNumber: PHONE });
    const retry = () => mutate(provider, 'retryMessage', { sid: setAside, idempotencyKey: 'again' }, 'retriedMessage { body to }');
    expect(await retry()).toEqual({ retriedMessage: { body: 'set aside', to: PHONE } });
    await prisma.outbox.delete({ where: { messageSid: setAside } });
    await erasePeople(gateway.gateway);
    expect((await shown(provider, personErasure.sid)).dateCompleted).toEqual(expect.any(String));
    expect(await retry()).toEqual({ retriedMessage: { body: '', to: 'erased' } });
  });

  test('works on all that wait, however many', async () => {
    const { provider, from } = await world();
    const { organizationSid, accountSid } = provider;
    const waiting = await from.send({ to: PHONE });
    const of = { organizationSid, accountSid };
    await gateway.database.prisma.personErasure.createMany({
      data: Array.from({ length: 21 }, (_, count) => ({ ...of, sid: `ER${String(count).padStart(32, '0')}`, phoneFolded: '15550111' })),
    });
    const { personErasure } = await erase(provider, { phoneNumber: '+15550177' });
    await erasePeople(gateway.gateway);
    expect((await shown(provider, personErasure.sid)).dateCompleted).toEqual(expect.any(String));
    await gateway.database.prisma.outbox.delete({ where: { messageSid: waiting } });
    await erasePeople(gateway.gateway);
    expect(await gateway.database.prisma.personErasure.count({ where: { organizationSid, dateCompleted: null } })).toBe(0);
  });

  test('finds a Teams user by the object id alone, and nobody whose address is only like theirs', async () => {
    const { provider, from } = await world();
    const { prisma } = gateway.database;
    const { organizationSid, accountSid } = provider;
    const { enterpriseSid } = from;
    const objectId = '6f1f7c1e-0000-4000-8000-000000000002';
    await age([await from.send({ from: objectId, body: 'their text' })], 1, { withEvents: true });
    await prisma.mapping.update({ where: { sid: from.mappingSid }, data: { microsoftObjectId: null } });
    await prisma.teamsInstallation.create({ data: { organizationSid, enterpriseSid, objectId } });
    const of = { organizationSid, enterpriseSid, accountSid, externalAddress: '+15550188' };
    await prisma.releasedMapping.createMany({
      data: ['a_b@e.example', 'acb@e.example', 'A_B@E.example'].map((microsoftAddress) => ({ ...of, sid: newSid('BE'), microsoftAddress })),
    });
    const { personErasure } = await erase(provider, { microsoftObjectId: objectId, microsoftAddress: 'a_b@e.example' });
    await erasePeople(gateway.gateway);
    expect(await shown(provider, personErasure.sid)).toMatchObject({ messages: 1, dateCompleted: expect.any(String) });
    const left = await texts(provider);
    for (const text of [objectId, 'their text', 'a_b@']) expect([text, left.toLowerCase().includes(text)]).toEqual([text, false]);
    expect(left).toContain('acb@e.example');
  });

  test('reaches one enterprise only if asked to, and no other organization', async () => {
    const [{ provider, from }, stranger] = [await world(), await world()];
    const other = await createSender(gateway, provider);
    for (const sender of [from, other, stranger.from]) await sender.send({ to: PHONE });
    await gateway.database.prisma.outbox.deleteMany({});
    const { personErasure } = await erase(provider, { phoneNumber: PHONE, enterpriseSid: from.enterpriseSid });
    await erasePeople(gateway.gateway);
    expect((await shown(provider, personErasure.sid)).messages).toBe(1);
    expect(await shown(stranger.provider, personErasure.sid)).toBeNull();
    const left = [provider, stranger.provider].map(async (by) =>
      (await bodiesOf(by)).nodes.map(({ to }: { to: string }) => to).filter((to: string) => to === PHONE),
    );
    expect(await Promise.all(left)).toEqual([[PHONE], [PHONE]]);
    expect(await erase(stranger.provider, { phoneNumber: PHONE, enterpriseSid: from.enterpriseSid })).toMatchObject({
      code: 'ENTERPRISE_NOT_FOUND',
    });
  });

  test.each([[{}], [{ phoneNumber: PHONE, microsoftAddress: 'a@b.example' }], [{ phoneNumber: 'nonsense' }], [{ phoneNumber: ' ' }]])(
    'refuses %j',
    async (input) => {
      expect(await erase(await gateway.provider(), input)).toMatchObject({ code: 'INVALID_PARAMETER', path: ['phoneNumber'] });
    },
  );

  test('is not for access tokens, nor for strangers', async () => {
    const provider = await gateway.provider();
    const { token } = await mutate(provider, 'createAccessToken', { expiresIn: 600, permissions: ['READ', 'WRITE'] }, 'token');
    expect(await erase({ graph: graphClient(gateway.fetch, { token }) }, { phoneNumber: PHONE })).toEqual({ code: 'FORBIDDEN' });
    expect(await erase({ graph: graphClient(gateway.fetch, { user: 'x', password: 'y' }) }, { phoneNumber: PHONE })).toEqual({
      code: 'UNAUTHENTICATED',
    });
  });
});

describe('exportPerson', () => {
  const download = async (by: Graph, input: object) => {
    const { url, code } = await mutate(by, 'exportPerson', input, 'url');
    if (!url) return code;
    const response = await gateway.fetch(new Request(url));
    const text = await response.text();
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  };

  test('downloads the messages and conversations of a phone, and the mapping of a Teams user', async () => {
    const [{ provider, from }, stranger] = [await world(), await gateway.provider()];
    await from.send({ body: 'not theirs' });
    const sids = [
      await from.send({ to: PHONE, body: 'Hi' }),
      await from.send({ direction: 'OUTBOUND', from: PHONE, to: 'ann@e.example', body: 'Ho' }),
    ];
    const lines = await download(provider, { phoneNumber: '15550111' });
    expect(lines.map(({ record, sid, phone }: Record<string, string>) => [record, record === 'message' ? sid : phone])).toEqual([
      ...[
        ['conversation', PHONE],
        ['message', sids[1]],
        ['message', sids[0]],
      ],
    ]);
    expect(lines[1]).toMatchObject({
      body: 'Ho',
      from: PHONE,
      to: 'ann@e.example',
      direction: 'OUTBOUND',
      enterpriseSid: from.enterpriseSid,
    });
    const { prisma } = gateway.database;
    const { microsoftAddress } = await prisma.mapping.findUniqueOrThrow({ where: { sid: from.mappingSid } });
    const { organizationSid, accountSid } = provider;
    const { enterpriseSid, mappingSid } = from;
    const objectId = '6f1f7c1e-0000-4000-8000-000000000003';
    const user = { organizationSid, enterpriseSid, objectId };
    await prisma.teamsInstallation.create({ data: user });
    await prisma.teamsConversation.create({ data: { ...user, lastNumber: PHONE } });
    const link = { microsoftTenantId: 'a-tenant', microsoftObjectId: objectId, dateMicrosoftLinked: new Date() };
    const email = { email: 'admin@x.example', emailFolded: 'admin@x.example' };
    await prisma.enterpriseAdmin.create({ data: { organizationSid, enterpriseSid, accountSid, sid: newSid('RCS'), ...email, ...link } });
    const place = { conversationId: 'a:3', serviceUrl: 'https://x', activityId: '3', body: 'held', expires: new Date() };
    await prisma.heldText.create({ data: { ...user, ...place, sid: 'HT3', choices: [{ number: PHONE, mappingSid, body: 'held' }] } });
    const released = { organizationSid, enterpriseSid, accountSid, sid: newSid('BE'), externalAddress: '+15550188' };
    await prisma.releasedMapping.create({ data: { ...released, microsoftAddress: microsoftAddress.toUpperCase() } });
    const records = async (input: object) => (await download(provider, input)).map(({ record }: { record: string }) => record);
    expect(await records({ microsoftAddress, microsoftObjectId: objectId })).toEqual([
      ...['mapping', 'releasedMapping', 'teamsConversation', 'teamsInstallation', 'heldText', 'enterpriseAdmin', 'message', 'message'],
    ]);
    expect(await records({ microsoftAddress })).toEqual(['mapping', 'releasedMapping', 'message', 'message']);
    expect(await records({ phoneNumber: PHONE })).toEqual(['conversation', 'teamsConversation', 'heldText', 'message', 'message']);
    expect(await download(stranger, { phoneNumber: PHONE })).toEqual([]);
    expect(await download(provider, { phoneNumber: PHONE, enterpriseSid: unknownSid('EN') })).toBe('ENTERPRISE_NOT_FOUND');
    expect(await download(provider, {})).toBe('INVALID_PARAMETER');
  });
});
