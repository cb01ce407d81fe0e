import { beforeAll, describe, expect, test } from 'vitest';
import { deleteErased, erasePeople } from '../../../src/domain/privacy/erase-people.ts';
import { newSid } from '../../../src/domain/values/sid.ts';
import type { Provider, TestGateway } from '../../support/gateway.ts';
import { graphClient } from '../../support/graph.ts';
import { createSender } from '../../support/live.ts';
import { DAY_MS, type Graph, PHONE, privacyWorld } from './privacy-world.ts';

const people = privacyWorld();
const { world, mutate, age, bodiesOf, conversationsOf, eventsOf } = people;

let gateway: TestGateway;
beforeAll(() => {
  ({ gateway } = people);
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
