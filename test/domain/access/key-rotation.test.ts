import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuthentication } from '../../../src/admission/authentication.ts';
import { createAccessToken } from '../../../src/domain/access/access-tokens.ts';
import { authenticate } from '../../../src/domain/access/accounts.ts';
import { rotateSecrets } from '../../../src/domain/access/key-rotation.ts';
import { addBotCertificate, addBotSecret, loadCredentials, removeBotCredential } from '../../../src/domain/bots/bot-credentials.ts';
import { createBot, credentialsOf, deleteBot, findBot, updateBot } from '../../../src/domain/bots/bots.ts';
import { createVerifiedCredentials } from '../../../src/domain/caches/verified-credentials.ts';
import { type Caller, permissions } from '../../../src/domain/caller.ts';
import type { Gateway } from '../../../src/domain/gateway.ts';
import { mappingOfSecret, smsWebhook } from '../../../src/domain/mappings/webhooks.ts';
import { createSecrets, SealError } from '../../../src/domain/secrets.ts';
import { newSid } from '../../../src/domain/values/sid.ts';
import { done, fresh, newBot, newEnterprise, newMapping } from '../../parity/faces.ts';
import { makeCertificate } from '../../support/certificates.ts';
import { createTestGateway, type Provider, type TestGateway } from '../../support/gateway.ts';
import { createRecordingRestcomm } from '../../support/recording-restcomm.ts';

const restcomm = createRecordingRestcomm();
let shared: TestGateway;
let provider: Provider;
let caller: Caller;
/** The same gateway before a rotation, while both keys are held, and when the old one is gone. */
let before: Gateway;
let during: Gateway;
let after: Gateway;

beforeAll(async () => {
  shared = await createTestGateway({ platforms: { restcomm } });
  const [old, current] = [randomBytes(32), randomBytes(32)];
  const holding = (...keys: Buffer[]): Gateway => ({
    ...shared.gateway,
    verified: createVerifiedCredentials({ hears: false }),
    secrets: createSecrets(...keys),
  });
  // Every instance was given the new key before any of them makes it the current one.
  [before, during, after] = [holding(old, current), holding(current, old), holding(current)];
  provider = await shared.provider();
  const { organizationSid, accountSid } = provider;
  caller = { organizationSid, accountSid, permissions: new Set(permissions), requestId: 'test' };
});
afterAll(() => shared.close());

const enterprise = async () => (await done(provider, 'createEnterprise', newEnterprise())).sid as string;
const botInput = async () => newBot(await enterprise()) as Parameters<typeof createBot>[2];
const rotate = async () => {
  const tables = await rotateSecrets(during);
  return Object.fromEntries(tables.map(({ table, what, ...outcome }) => [`${table}: ${what}`, outcome]));
};
const BOTS = 'bot: client secrets';
const WEBHOOKS = 'mapping: webhook addresses on the platform';
const secretOf = async (gateway: Gateway, sid: string) => {
  const bot = await findBot(gateway, caller, sid);
  return bot && credentialsOf(gateway, bot).clientSecret;
};

/** Many bots at once, sealed under the old key. */
async function insertBots(count: number): Promise<string[]> {
  const { organizationSid, accountSid } = caller;
  const sids = Array.from({ length: count }, () => newSid('BE'));
  const owned = sids.map((sid) => ({
    sid: sid.replace('BE', 'EN'),
    organizationSid,
    accountSid,
    name: sid,
    nameFolded: sid.toLowerCase(),
  }));
  await before.prisma.enterprise.createMany({ data: owned });
  await before.prisma.bot.createMany({
    data: sids.map((sid) => ({
      ...{ sid, organizationSid, accountSid, enterpriseSid: sid.replace('BE', 'EN'), applicationId: 'a', tenantId: 't', botAppId: 'b' },
      ...{ clientSecret: before.secrets.seal(`first of ${sid}`, sid), clientSecretHint: 'hint' },
    })),
  });
  return sids;
}

describe('a rotation', () => {
  test('migrates every client secret while bots are read and changed, and loses no change', { timeout: 60_000 }, async () => {
    const sids = await insertBots(120);
    const expected = new Map(sids.map((sid) => [sid, `first of ${sid}`]));
    let rotating = true;
    const traffic = async (instance: Gateway, start: number) => {
      // Each its own half of them, in leaps.
      for (let turn = start; rotating || turn < start + 200; turn += 14) {
        const sid = sids[turn % sids.length] as string;
        const clientSecret = `change ${turn} of ${sid}`;
        await updateBot(instance, caller, { sid, clientSecret });
        expected.set(sid, clientSecret);
        expect(await secretOf(instance === before ? during : before, sid)).toBe(clientSecret);
      }
    };
    const running = [traffic(before, 0), traffic(during, 1)];
    // An instance that has not changed its keys yet goes on sealing under the old one.
    expect((await rotate())[BOTS]?.done).toBeGreaterThan(100);
    rotating = false;
    await Promise.all(running);
    expect((await rotate())[BOTS]).toMatchObject({ left: 0, failed: [] });
    for (const [sid, secret] of expected) expect(await secretOf(after, sid)).toBe(secret);
    expect((await rotate())[BOTS]).toMatchObject({ done: 0, left: 0 });
  });

  test('does not overwrite a change made between its read and its write', async () => {
    const [sid = ''] = await insertBots(1);
    let changed: Promise<unknown> = Promise.resolve();
    // The row is held while the rotation reads the old value and wants to write; on the embedded database it waits its turn instead.
    const isHeld = new Promise<void>((held) => {
      changed = before.prisma.$transaction(async (tx) => {
        await tx.bot.update({ where: { sid }, data: { clientSecret: before.secrets.seal('changed', sid) } });
        held();
        await tx.$executeRaw`SELECT pg_sleep(0.3)`;
      });
    });
    await isHeld;
    const [outcome] = await Promise.all([rotate(), changed]);
    expect(outcome[BOTS]).toMatchObject({ left: 0 });
    expect(await secretOf(after, sid)).toBe('changed');
  });

  test('names values that no key opens, and migrates the others', async () => {
    const [damaged = '', moved = '', sound = ''] = await insertBots(3);
    const seal = (sid: string, clientSecret: Uint8Array<ArrayBuffer>) =>
      before.prisma.bot.update({ where: { sid }, data: { clientSecret } });
    await seal(damaged, createSecrets(randomBytes(32)).seal('of another key', damaged));
    await seal(moved, before.secrets.seal('of another bot', sound));
    const outcome = (await rotate())[BOTS];
    expect([outcome?.failed.toSorted(), outcome?.left, outcome?.done]).toEqual([[damaged, moved].toSorted(), 2, 1]);
    expect(await secretOf(after, sound)).toBe(`first of ${sound}`);
    for (const sid of [damaged, moved]) await deleteBot(during, caller, { sid });
  });
});

const CREDENTIALS = "bot_credential: bots' further secrets and private keys";

describe('a rotation of bots’ further credentials', () => {
  /** What login is shown of a bot's further credentials, the latest first. */
  const shownToLogin = async (gateway: Gateway, sid: string) => {
    const bot = await findBot(gateway, caller, sid);
    const loaded = bot ? await loadCredentials(gateway, bot) : [];
    return loaded.map((one) => (one.kind === 'SECRET' ? one.secret : one.privateKey.trim()));
  };

  test('migrates secrets and private keys, which the old key is not needed for any more', async () => {
    const { sid } = await createBot(before, caller, await botInput());
    const { certificate, privateKey } = makeCertificate();
    const idempotencyKey = fresh.key();
    const added = await addBotCertificate(before, caller, { sid, certificate, privateKey, idempotencyKey });
    await addBotSecret(before, caller, { sid, secret: 'a-further-secret' });
    const expected = ['a-further-secret', privateKey.trim()];
    await expect(shownToLogin(after, sid)).rejects.toThrow(SealError);
    expect((await rotate())[CREDENTIALS]).toMatchObject({ done: 2, left: 0, failed: [] });
    for (const gateway of [during, after]) expect(await shownToLogin(gateway, sid)).toEqual(expected);
    expect((await rotate())[CREDENTIALS]).toMatchObject({ done: 0, left: 0 });
    // The first result, which is answered again, has the credential without its key.
    const again = await addBotCertificate(during, caller, { sid, certificate, privateKey, idempotencyKey });
    expect(again.sid).toBe(added.sid);
    expect(after.secrets.open(again.sealed, again.sid).trim()).toBe(privateKey.trim());
  });

  test('names one that no key opens, and migrates the others', async () => {
    const { sid } = await createBot(before, caller, await botInput());
    const damaged = await addBotSecret(before, caller, { sid, secret: 'damaged' });
    await addBotSecret(before, caller, { sid, secret: 'sound' });
    const sealed = createSecrets(randomBytes(32)).seal('of another key', damaged.sid);
    await before.prisma.botCredential.update({ where: { sid: damaged.sid }, data: { sealed } });
    expect((await rotate())[CREDENTIALS]).toMatchObject({ done: 1, left: 1, failed: [damaged.sid] });
    await removeBotCredential(during, caller, { sid: damaged.sid });
    expect(await shownToLogin(after, sid)).toEqual(['sound']);
  });
});

describe('a value made with a retired key works until that key is removed', () => {
  test('an auth token, which moves to the current key when its account next logs in', async () => {
    const owner = await shared.provider();
    const { digest, keyId } = before.secrets.digest(owner.authToken);
    await before.prisma.account.update({ where: { sid: owner.accountSid }, data: { tokenDigest: digest, tokenKeyId: keyId } });
    const login = (gateway: Gateway) => authenticate(gateway, owner.accountSid, owner.authToken);
    expect(await login(after)).toBeUndefined();
    const left = (await rotate())['account: digests of auth tokens']?.left ?? 0;
    expect(await authenticate(during, owner.accountSid, 'wrong')).toBeUndefined();
    expect((await rotate())['account: digests of auth tokens']?.left).toBe(left);
    const [first, second] = await Promise.all([login(during), login(during)]);
    expect(first).toEqual(second);
    expect((await rotate())['account: digests of auth tokens']?.left).toBe(left - 1);
    expect(await login(after)).toEqual(first);
  });

  test('an access token', async () => {
    const { token } = await createAccessToken(before, caller, { expiresIn: 600, permissions: ['read'] });
    const accepts = async (gateway: Gateway) =>
      !('status' in (await createAuthentication(gateway)({ headers: new Headers({ authorization: `Bearer ${token}` }) })));
    expect([await accepts(during), await accepts(after)]).toEqual([true, false]);
    const outcome = (await rotate())['access_token: signatures of access tokens'];
    expect(outcome?.left).toBeGreaterThanOrEqual(1);
    expect(Math.abs((outcome?.leftUntil?.getTime() ?? 0) - Date.now() - 600_000)).toBeLessThan(60_000);
  });

  test('an idempotency key: the first result is returned again with its secret, and another input is refused', async () => {
    const input = { ...(await botInput()), idempotencyKey: fresh.key() };
    const first = await createBot(before, caller, input);
    expect((await createBot(during, caller, input)).sid).toBe(first.sid);
    expect((await rotate())['idempotency_key: client secrets in first results']).toMatchObject({ done: 1, left: 0 });
    const again = await createBot(during, caller, input);
    expect([again.sid, credentialsOf(after, again).clientSecret]).toEqual([first.sid, input.clientSecret]);
    await expect(createBot(during, caller, { ...input, tenantId: 'other' })).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect((await rotate())['idempotency_key: digests of first requests']?.left).toBeGreaterThanOrEqual(1);
  });

  test('the address of a number’s webhook, which is replaced on the platform', async () => {
    const { sid, externalAddress } = await done(provider, 'createMapping', newMapping(await enterprise()));
    const secretIn = (url = '') => /restcomm\/([^/]+)\//.exec(url)?.[1] ?? '';
    const address = secretIn(smsWebhook(before, sid));
    expect([mappingOfSecret(during, address), mappingOfSecret(after, address)]).toEqual([sid, undefined]);
    const changed = `${address.slice(0, -1)}${address.endsWith('0') ? '1' : '0'}`;
    expect(mappingOfSecret(during, changed)).toBeUndefined();

    restcomm.refuse('enableSms', externalAddress);
    expect((await rotate())[WEBHOOKS]).toMatchObject({ left: 1, failed: [sid] });
    restcomm.reset();
    expect((await rotate())[WEBHOOKS]).toMatchObject({ done: 1, left: 0, failed: [] });
    expect(mappingOfSecret(after, secretIn(restcomm.smsUrl(externalAddress)))).toBe(sid);
    expect((await rotate())[WEBHOOKS]).toMatchObject({ done: 0, left: 0 });
  });

  test('and a number whose mapping is deleted during the replacement does not stay enabled', async () => {
    const { sid, externalAddress } = await done(provider, 'createMapping', newMapping(await enterprise()));
    restcomm.reset();
    restcomm.onCall = async () => {
      await before.prisma.mapping.delete({ where: { sid } });
    };
    expect((await rotate())[WEBHOOKS]).toMatchObject({ done: 0, left: 0 });
    expect(restcomm.calls).toEqual([
      ['enableSms', externalAddress],
      ['disableSms', externalAddress],
    ]);
  });
});
