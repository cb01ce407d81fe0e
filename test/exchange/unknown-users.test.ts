import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { resolveMappingUsers } from '../../src/domain/mappings/mapping-users.ts';
import type { FakeAnswer } from '../fakes/fake-server.ts';
import { done, fresh, newEnterprise } from '../parity/faces.ts';
import { type Customer, createTestExchange, type TestExchange, until } from '../support/exchange.ts';

let exchange: TestExchange;
let customer: Customer;
beforeAll(async () => {
  exchange = await createTestExchange();
  customer = await exchange.customer();
});
afterAll(() => exchange.close());
afterEach(() => {
  exchange.microsoft.heal();
  exchange.restcomm.faults.clear();
});

const PHONE = '+4917012345671';
const RETRY = `mutation ($input: RetryMessageInput!) { retryMessage(input: $input) { ... on RetryMessageSuccess { retriedMessage { sid stuck channelStatus } } ... on Error { code } } }`;

describe('a user that Microsoft does not know', () => {
  /** A mapping that was made before its enterprise had a bot. */
  async function early(microsoftAddress: string) {
    const provider = await exchange.provider();
    const { sid: enterpriseSid } = await done(provider, 'createEnterprise', newEnterprise());
    const number = `${fresh.number()}1`;
    exchange.restcomm.addNumber(number);
    const mapping = await done(provider, 'createMapping', { enterpriseSid, microsoftAddress, externalAddress: number });
    const { applicationId, tenantId, clientSecret } = customer.bot;
    await done(provider, 'createBot', { enterpriseSid, applicationId, tenantId, clientSecret, botAppId: 'app' });
    const write = async () => {
      await exchange.restcomm.receiveSms({ from: PHONE, to: number, body: 'one' });
      return (await exchange.messages(provider))[0]?.sid;
    };
    return { provider, mapping, write };
  }

  test('once: the message waits, and is delivered as soon as the user is found', async () => {
    const user = exchange.microsoft.addUser({ tenantId: customer.bot.tenantId });
    const { provider, write } = await early(user.userPrincipalName);
    exchange.microsoft.fault('user', {
      answer: { status: 404, body: { error: { code: 'Request_ResourceNotFound', message: 'Not there.' } } },
    });
    const sid = await write();
    expect((await exchange.ends(provider, sid, 'stuck')).waiting).toMatchObject({
      reason: 'USER_UNKNOWN',
      channelErrorCode: 'MICROSOFT_ADDRESS_INVALID',
    });
    await resolveMappingUsers(exchange.gateway);
    await exchange.ends(provider, sid, 'DELIVERED');
  });

  test('for a day: the message fails, and can be retried when the mapping is corrected', async () => {
    const { provider, mapping, write } = await early('nobody@contoso.example');
    const sid = await write();
    expect((await exchange.ends(provider, sid, 'stuck')).waiting).toMatchObject({ reason: 'USER_UNKNOWN' });
    const { prisma } = exchange.gateway;
    await prisma.laneHold.updateMany({ where: { mappingSid: mapping.sid }, data: { since: new Date(Date.now() - 25 * 3_600_000) } });
    await provider.graph(RETRY, { input: { sid } });
    expect(await exchange.ends(provider, sid, 'FAILED')).toMatchObject({ channelErrorCode: 'MICROSOFT_ADDRESS_INVALID', stuck: false });
    const user = exchange.microsoft.addUser({ tenantId: customer.bot.tenantId });
    await done(provider, 'updateMapping', { sid: mapping.sid, microsoftAddress: user.userPrincipalName });
    await provider.graph(RETRY, { input: { sid } });
    expect((await exchange.ends(provider, sid, 'DELIVERED')).events.map(({ status }: { status: string }) => status)).toEqual([
      'QUEUED',
      'FAILED',
      'QUEUED',
      'DELIVERED',
    ]);
    // It is still known by its sid: a webhook that comes again stores nothing.
    const { restcommMessageSid, from, body } = await exchange.message(provider, sid);
    await exchange.restcomm.receiveSms({ from, to: mapping.externalAddress, body, sid: restcommMessageSid });
    expect((await exchange.messages(provider)).filter((message) => message.body === body)).toHaveLength(1);
  });

  test('for a day, of a message that an earlier attempt may have sent: it is set aside, and marked once it is sent again', async () => {
    const user = exchange.microsoft.addUser({ tenantId: customer.bot.tenantId });
    const { provider, mapping, write } = await early(user.userPrincipalName);
    const { prisma } = exchange.gateway;
    const isOf = (microsoftAddress: string, microsoftObjectId: string | null) =>
      prisma.mapping.update({ where: { sid: mapping.sid }, data: { microsoftAddress, microsoftObjectId } });
    exchange.microsoft.fault('activities', { answer: { status: 503, body: {} } });
    const held = exchange.microsoft.hold('activities');
    const sid = await write();
    await held.arrived;
    await isOf('nobody@contoso.example', null);
    held.release();
    expect((await exchange.ends(provider, sid, 'stuck')).waiting).toMatchObject({ reason: 'USER_UNKNOWN' });
    await prisma.laneHold.updateMany({ where: { mappingSid: mapping.sid }, data: { since: new Date(Date.now() - 25 * 3_600_000) } });
    await provider.graph(RETRY, { input: { sid } });
    await until(async () => (await exchange.message(provider, sid)).waiting?.reason === 'RETRIES_EXHAUSTED');
    expect(await exchange.message(provider, sid)).toMatchObject({ channelStatus: 'QUEUED', channelErrorCode: 'MICROSOFT_ADDRESS_INVALID' });
    await isOf(user.userPrincipalName, user.objectId);
    await provider.graph(RETRY, { input: { sid } });
    expect(await exchange.ends(provider, sid, 'DELIVERED')).toMatchObject({ possiblyDuplicated: true, stuck: false });
  });

  /** Four mappings that were made before their enterprise had a bot, which have not been looked up yet. */
  async function fourEarly() {
    const bad = `${randomBytes(4).toString('hex')}@contoso.example`;
    const provider = await exchange.provider();
    const { sid: enterpriseSid } = await done(provider, 'createEnterprise', newEnterprise());
    const bot = exchange.microsoft.addBot();
    const users = [1, 2, 3].map(() => exchange.microsoft.addUser({ tenantId: bot.tenantId }));
    const mappings: string[] = [];
    for (const microsoftAddress of [bad, ...users.map(({ userPrincipalName }) => userPrincipalName)]) {
      const number = `${fresh.number()}1`;
      exchange.restcomm.addNumber(number);
      mappings.push((await done(provider, 'createMapping', { enterpriseSid, microsoftAddress, externalAddress: number })).sid);
    }
    const { applicationId, tenantId, clientSecret } = bot;
    await done(provider, 'createBot', { enterpriseSid, applicationId, tenantId, clientSecret, botAppId: 'app' });
    return { enterpriseSid, users, mappings, bad };
  }
  const asked = () => exchange.microsoft.requests.flatMap(({ route, path }) => (route === 'user' ? [decodeURIComponent(path)] : []));
  /** Ten minutes pass for the mappings of an enterprise. */
  const tenMinutesPass = (enterpriseSid: string) =>
    exchange.gateway.prisma
      .$executeRaw`UPDATE mapping SET microsoft_checked = microsoft_checked - interval '11 minutes' WHERE enterprise_sid = ${enterpriseSid}`;

  test.each<[string, FakeAnswer]>([
    ['refuses', { status: 400, body: { error: { code: 'Request_BadRequest', message: 'Bad.' } } }],
    ['refuses in other words', { status: 404, body: { error: { code: 'ResourceNotFound', message: 'No.' } } }],
    ['fails for', { status: 500, body: { error: { code: 'InternalServerError', message: 'Failed.' } } }],
    ['answers nonsense for', { status: 200, body: { value: [] } }],
  ])('one-user-starves-the-others: a record that Microsoft %s does not block others', async (_how, answer) => {
    const { enterpriseSid, users, mappings } = await fourEarly();
    exchange.microsoft.fault('user', { answer });
    await resolveMappingUsers(exchange.gateway);
    const rows = await exchange.gateway.prisma.mapping.findMany({ where: { enterpriseSid }, orderBy: { dateCreated: 'asc' } });
    expect(rows.map(({ microsoftObjectId }) => microsoftObjectId)).toEqual([null, ...users.map(({ objectId }) => objectId)]);
    expect(rows.every(({ microsoftChecked }) => microsoftChecked !== null)).toBe(true);
    expect(
      exchange.logged.some((line) => line.includes(mappings[0] ?? '') && line.includes('cannot ask Microsoft for a mapped user')),
    ).toBe(true);
  });

  test('is asked for after the others, where Microsoft failed for several', async () => {
    const { enterpriseSid, users, bad } = await fourEarly();
    let before = asked().length;
    exchange.microsoft.fault('user', { times: 3, answer: { status: 503 } });
    await resolveMappingUsers(exchange.gateway);
    expect(asked().length - before).toBe(3);
    exchange.microsoft.heal();
    await resolveMappingUsers(exchange.gateway);
    expect(asked().length - before).toBe(3);
    await tenMinutesPass(enterpriseSid);
    before = asked().length;
    exchange.microsoft.fault('user', { reset: 'after' });
    await resolveMappingUsers(exchange.gateway);
    expect(asked().length - before).toBe(1);
    const slow = asked().at(-1);
    await tenMinutesPass(enterpriseSid);
    await resolveMappingUsers(exchange.gateway);
    expect(asked().at(-1)).toBe(slow);
    const found = await exchange.gateway.prisma.mapping.findMany({ where: { enterpriseSid, microsoftAddress: { not: bad } } });
    expect(found.map(({ microsoftObjectId }) => microsoftObjectId).sort()).toEqual(users.map(({ objectId }) => objectId).sort());
  });

  test('is not asked for before Microsoft’s Retry-After is over', async () => {
    const { enterpriseSid, users } = await fourEarly();
    const before = asked().length;
    exchange.microsoft.fault('user', { answer: { status: 429, headers: { 'retry-after': new Date(Date.now() + 2_000).toUTCString() } } });
    await resolveMappingUsers(exchange.gateway);
    await resolveMappingUsers(exchange.gateway);
    expect(asked().length - before).toBe(1);
    await until(async () => {
      await resolveMappingUsers(exchange.gateway);
      return (
        (await exchange.gateway.prisma.mapping.count({ where: { enterpriseSid, microsoftObjectId: { not: null } } })) >= users.length - 1
      );
    });
  });
});

test('a bot whose secret cannot be opened keeps no other enterprise’s users from being found', async () => {
  const [broken, fine] = [await exchange.customer(), await exchange.customer()];
  const { prisma } = exchange.gateway;
  await prisma.bot.update({ where: { sid: broken.botSid }, data: { clientSecret: new Uint8Array([0]) } });
  const where = { enterpriseSid: { in: [broken.enterpriseSid, fine.enterpriseSid] } };
  await prisma.mapping.updateMany({ where, data: { microsoftObjectId: null, microsoftChecked: null } });
  await resolveMappingUsers(exchange.gateway);
  const found = await prisma.mapping.findMany({ where, select: { enterpriseSid: true, microsoftObjectId: true, microsoftChecked: true } });
  for (const { enterpriseSid, microsoftObjectId, microsoftChecked } of found) {
    expect(microsoftObjectId !== null).toBe(enterpriseSid === fine.enterpriseSid);
    expect(microsoftChecked).not.toBeNull();
  }
});
