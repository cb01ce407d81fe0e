import { generateKeyPair } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveMappingUsers } from '../../../src/domain/mappings/mapping-users.ts';
import type { TokenOverrides } from '../../fakes/bot-framework-signer.ts';
import { done, fresh, inGraph, newEnterprise } from '../../parity/faces.ts';
import { type Customer, createTestExchange, type TestExchange } from '../../support/exchange.ts';
import type { Provider } from '../../support/gateway.ts';

let exchange: TestExchange;
let customer: Customer;
beforeAll(async () => {
  exchange = await createTestExchange();
  customer = await exchange.customer();
});
afterAll(() => exchange.close());

const PHONE = '+4917012345671';
const now = Math.floor(Date.now() / 1000);
const messages = () => exchange.messages(customer.provider);
const objectIdOf = async (mappingSid: string) =>
  (await exchange.gateway.prisma.mapping.findUniqueOrThrow({ where: { sid: mappingSid } })).microsoftObjectId;

describe('a request to the bot endpoint', () => {
  test.each<[string, TokenOverrides]>([
    ['has expired', { claims: { exp: now - 600 } }],
    ['is not valid yet', { claims: { nbf: now + 600 } }],
    ['has another issuer', { claims: { iss: 'https://sts.windows.net/tenant/' } }],
    ['is for another audience', { claims: { aud: 'another-application' } }],
    ['has no audience', { claims: { aud: undefined } }],
    ['has no expiry', { claims: { exp: undefined } }],
    ['names another service URL', { claims: { serviceurl: 'https://evil.example/' } }],
    ['names no service URL', { claims: { serviceurl: undefined } }],
    ['names a key that Microsoft does not have', { header: { kid: 'unknown' } }],
    ['names no key', { header: { kid: undefined } }],
    ['is signed by a shared secret', { header: { alg: 'HS256' }, key: new Uint8Array(32) }],
  ])('whose token %s is refused with 403 and stores nothing', async (_what, overrides) => {
    const activity = exchange.microsoft.activityFrom(customer.bot, customer.user, `${PHONE} Hello`);
    expect(await exchange.post(activity, await exchange.sign(activity, overrides))).toBe(403);
    expect(await messages()).toEqual([]);
  });

  test('whose token has another signature, or none, is refused with 403', async () => {
    const activity = exchange.microsoft.activityFrom(customer.bot, customer.user, `${PHONE} Hello`);
    const { privateKey } = await generateKeyPair('RS256');
    expect(await exchange.post(activity, await exchange.sign(activity, { key: privateKey }))).toBe(403);
    for (const authorization of [undefined, '', 'Bearer', 'Bearer a.b.c', 'Basic dXNlcjpwYXNz']) {
      expect(await exchange.post(activity, authorization), authorization).toBe(403);
    }
    expect(await messages()).toEqual([]);
  });

  test('for a channel that the key is not endorsed for is refused with 403', async () => {
    const activity = exchange.microsoft.activityFrom(customer.bot, customer.user, `${PHONE} Hello`, { channelId: 'slack' });
    expect(await exchange.post(activity, await exchange.sign(activity))).toBe(403);
  });

  test('that is not an activity is refused with 400, one that is too large with 413, another method with 405', async () => {
    const activity = exchange.microsoft.activityFrom(customer.bot, customer.user, `${PHONE} Hello`);
    const authorization = await exchange.sign(activity);
    for (const wrong of ['text', null, [], {}, { ...activity, conversation: undefined }, { ...activity, serviceUrl: 7 }]) {
      expect(await exchange.post(wrong, authorization)).toBe(400);
    }
    expect(await exchange.post({ ...activity, text: 'x'.repeat(300_000) }, authorization)).toBe(413);
    expect((await fetch(`${exchange.url}/api/messages`)).status).toBe(405);
    expect(await messages()).toEqual([]);
  });

  test('gets 200 only once it is committed', async () => {
    const { prisma } = exchange.gateway;
    const activity = exchange.microsoft.activityFrom(customer.bot, customer.user, `${PHONE} committed`);
    await prisma.$executeRaw`ALTER TABLE outbox RENAME TO outbox_away`;
    const refused = await exchange
      .post(activity, await exchange.sign(activity))
      .finally(() => prisma.$executeRaw`ALTER TABLE outbox_away RENAME TO outbox`);
    expect(refused).toBe(500);
    expect(await messages()).toEqual([]);
    expect(await exchange.post(activity, await exchange.sign(activity))).toBe(200);
    expect(await messages()).toHaveLength(1);
  });

  test('with its tenant only in channelData is accepted; without a user or a tenant, it is not', async () => {
    const own = await exchange.customer();
    const { id, conversationType } = exchange.microsoft.activityFrom(own.bot, own.user, '').conversation;
    const conversation = { id, conversationType } as never;
    expect(await exchange.say(own, own.user, `${PHONE} Hello`, { conversation })).toBe(200);
    expect(await exchange.messages(own.provider)).toHaveLength(1);
    expect(await exchange.say(own, own.user, `${PHONE} Hello`, { conversation, channelData: {} as never })).toBe(200);
    expect(await exchange.say(own, own.user, `${PHONE} Hello`, { from: { id: '29:1', name: 'x' } as never })).toBe(200);
    expect(await exchange.messages(own.provider)).toHaveLength(1);
  });
});

describe('another organization that claims a customer’s application and tenant', () => {
  /** A hostile provider's enterprise with a bot of the victim's application and tenant, whose secret it does not know. */
  async function claim(): Promise<{ provider: Provider; enterpriseSid: string }> {
    const provider = await exchange.provider();
    const { sid: enterpriseSid } = await done(provider, 'createEnterprise', newEnterprise());
    const { applicationId, tenantId } = customer.bot;
    await done(provider, 'createBot', { enterpriseSid, applicationId, tenantId, clientSecret: 'a guess', botAppId: 'app' });
    return { provider, enterpriseSid };
  }
  const number = () => {
    const made = `${fresh.number()}1`;
    exchange.restcomm.addNumber(made);
    return made;
  };

  test.each(['address', 'object id'])('cannot map its users by their %s', async (kind) => {
    const { provider, enterpriseSid } = await claim();
    const microsoftAddress = kind === 'address' ? customer.user.userPrincipalName : customer.user.objectId;
    const refused = await inGraph(provider, 'createMapping', { enterpriseSid, microsoftAddress, externalAddress: number() });
    expect(refused.code).toBe('PLATFORM_ERROR');
  });

  test.each(['address', 'object id'])('gets none of their texts through a mapping created before the bot, by their %s', async (kind) => {
    const provider = await exchange.provider();
    const { sid: enterpriseSid } = await done(provider, 'createEnterprise', newEnterprise());
    const microsoftAddress = kind === 'address' ? customer.user.userPrincipalName : customer.user.objectId;
    const mapping = await done(provider, 'createMapping', { enterpriseSid, microsoftAddress, externalAddress: number() });
    const { applicationId, tenantId } = customer.bot;
    const bot = await done(provider, 'createBot', { enterpriseSid, applicationId, tenantId, clientSecret: 'a guess', botAppId: 'app' });
    // Within minutes, Microsoft might not know it yet.
    await exchange.gateway.prisma.bot.update({ where: { sid: bot.sid }, data: { dateUpdated: new Date(0) } });
    await resolveMappingUsers(exchange.gateway);
    // Delivery asks, too, where the user is not known.
    await exchange.restcomm.receiveSms({ from: PHONE, to: mapping.externalAddress, body: 'decoy' });
    const [decoy] = await exchange.messages(provider);
    const waiting = { waiting: { reason: 'BOT_CREDENTIALS', channelErrorCode: 'AADSTS7000215' } };
    expect(await exchange.ends(provider, decoy?.sid, 'stuck')).toMatchObject(waiting);
    expect(await objectIdOf(mapping.sid)).toBeNull();

    const before = (await messages()).length;
    await exchange.say(customer, customer.user, `from ${mapping.externalAddress} ${PHONE} confidential`);
    await exchange.say(customer, customer.user, `${PHONE} confidential`);
    expect((await messages()).length).toBe(before + 1);
    expect((await exchange.messages(provider)).map(({ body }) => body)).toEqual(['decoy']);
  });

  test('keeps no user that its own bot learned of when that bot becomes the customer’s', async () => {
    const own = await exchange.customer();
    expect(await objectIdOf(own.mappingSid)).toBe(own.user.objectId);
    const { applicationId, tenantId } = customer.bot;
    await done(own.provider, 'updateBot', { sid: own.botSid, applicationId, tenantId });
    expect(await objectIdOf(own.mappingSid)).toBeNull();
    await done(own.provider, 'deleteBot', { sid: own.botSid });
    await exchange.gateway.prisma.mapping.update({ where: { sid: own.mappingSid }, data: { microsoftObjectId: customer.user.objectId } });
    await done(own.provider, 'createBot', {
      enterpriseSid: own.enterpriseSid,
      applicationId,
      tenantId,
      clientSecret: 'a guess',
      botAppId: 'app',
    });
    expect(await objectIdOf(own.mappingSid)).toBeNull();
    await resolveMappingUsers(exchange.gateway);
    expect(await objectIdOf(own.mappingSid)).toBeNull();
  });

  test('cannot move a mapping to the enterprise with that bot, either', async () => {
    const own = await exchange.customer();
    const { sid: enterpriseSid } = await done(own.provider, 'createEnterprise', newEnterprise());
    const { applicationId, tenantId } = customer.bot;
    await done(own.provider, 'createBot', { enterpriseSid, applicationId, tenantId, clientSecret: 'a guess', botAppId: 'app' });
    const moved = await inGraph(own.provider, 'updateMapping', {
      sid: own.mappingSid,
      enterpriseSid,
      microsoftAddress: customer.user.objectId,
    });
    expect(moved.code).toBe('PLATFORM_ERROR');
  });
});
