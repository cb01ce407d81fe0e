import { createPublicKey } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BotFrameworkRefusal, createBotFrameworkVerifier } from '../../../src/platforms/microsoft/bot-framework-tokens.ts';
import { KeysUnavailableError } from '../../../src/platforms/microsoft/signing-keys.ts';
import type { TokenOverrides } from '../../fakes/bot-framework-signer.ts';
import { type FakeMicrosoft, startFakeMicrosoft, type TeamsActivity } from '../../fakes/microsoft.ts';
import type { FakeBot, MicrosoftRoute } from '../../fakes/microsoft-state.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let fake: FakeMicrosoft;
let bot: FakeBot;
let activity: TeamsActivity;
let now: number;
let asked: string[];

beforeAll(async () => {
  fake = await startFakeMicrosoft();
  bot = fake.addBot();
  activity = fake.activityFrom(bot, fake.addUser({ tenantId: bot.tenantId }), 'hello');
});
afterAll(() => fake.close());
beforeEach(() => {
  now = Date.now();
  asked = [];
  fake.heal();
});

const createVerifier = (openIdUrl = fake.settings.openIdUrl) =>
  createBotFrameworkVerifier({
    frameworks: [{ openIdUrl, issuer: fake.settings.issuer, clouds: ['COMMERCIAL'] }],
    isKnownAudience: async (applicationId) => {
      asked.push(applicationId);
      return applicationId === bot.applicationId;
    },
    fetch,
    now: () => now,
  });
const sign = (overrides?: TokenOverrides) => fake.signActivity(activity, overrides);
const seconds = (ms: number) => Math.floor(ms / 1000);
const count = (route: MicrosoftRoute) => fake.requests.filter((request) => request.route === route).length;
const decode = (part = '') => JSON.parse(Buffer.from(part, 'base64url').toString());
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
/** The token of a header, in its parts. */
const partsOf = (authorization: string) => authorization.replace('Bearer ', '').split('.');

describe('a request', () => {
  test('that the Bot Framework signed for a bot is for that bot', async () => {
    await expect(createVerifier().verify(await sign(), activity)).resolves.toMatchObject({ applicationId: bot.applicationId });
  });

  test.each<[string, () => TokenOverrides]>([
    ['its claim is spelled serviceUrl', () => ({ claims: { serviceurl: undefined, serviceUrl: activity.serviceUrl } })],
    ['its clock is four minutes behind', () => ({ claims: { nbf: seconds(now + 4 * MINUTE), exp: seconds(now + 64 * MINUTE) } })],
    ['its clock is four minutes ahead', () => ({ claims: { nbf: seconds(now - 64 * MINUTE), exp: seconds(now - 4 * MINUTE) } })],
    ['it has no start time', () => ({ claims: { nbf: undefined } })],
  ])('is accepted if %s', async (_, overrides) => {
    await expect(createVerifier().verify(await sign(overrides()), activity)).resolves.toMatchObject({ applicationId: bot.applicationId });
  });

  test('may spell Bearer in any case', async () => {
    await expect(createVerifier().verify((await sign()).replace('Bearer', 'bearer'), activity)).resolves.toBeTruthy();
  });
});

describe('a request of another cloud', () => {
  const bots: FakeBot[] = [];
  const verifier = () =>
    createBotFrameworkVerifier({
      frameworks: fake.settings.frameworks,
      isKnownAudience: async (id, clouds) =>
        bots.some(({ applicationId, cloud = 'COMMERCIAL' }) => applicationId === id && clouds.includes(cloud)),
      fetch,
    });

  test('is verified by the keys and the issuer of its own Bot Framework', async () => {
    const us = fake.addBot({ cloud: 'GCC_HIGH' });
    bots.push(us, bot);
    const sent = fake.activityFrom(us, fake.addUser({ tenantId: us.tenantId }), 'hello');
    const token = await fake.signActivity(sent);
    await expect(verifier().verify(token, sent)).resolves.toEqual({ applicationId: us.applicationId, clouds: ['GCC_HIGH', 'DOD'] });
    await expect(verifier().verify(await sign(), activity)).resolves.toEqual({
      applicationId: bot.applicationId,
      clouds: ['COMMERCIAL', 'GCC'],
    });
    // Neither cloud may speak for the other.
    await expect(createVerifier().verify(token, sent)).rejects.toMatchObject({ reason: 'unknown-key' });
    const posing = await fake.signActivity(sent, { claims: { iss: fake.settings.issuer } });
    await expect(verifier().verify(posing, sent)).rejects.toMatchObject({ reason: 'unknown-key' });
    const foreign = await fake.signActivity(sent, { claims: { aud: bot.applicationId } });
    await expect(verifier().verify(foreign, sent)).rejects.toMatchObject({ reason: 'audience' });
  });

  test('is accepted for Teams only if its key names no channel, as in the US government’s clouds', async () => {
    const us = fake.addBot({ cloud: 'GCC_HIGH' });
    bots.push(us);
    await fake.rotateGovernmentKeys({ endorsements: [] });
    const sent = fake.activityFrom(us, fake.addUser({ tenantId: us.tenantId }), 'hello');
    const token = await fake.signActivity(sent);
    await expect(verifier().verify(token, sent)).resolves.toMatchObject({ applicationId: us.applicationId });
    await expect(verifier().verify(token, { ...sent, channelId: 'webchat' })).rejects.toMatchObject({ reason: 'endorsement' });
    await fake.rotateGovernmentKeys({ endorsements: ['webchat'] });
    await expect(verifier().verify(await fake.signActivity(sent), sent)).rejects.toMatchObject({ reason: 'endorsement' });
    await fake.rotateGovernmentKeys();
  });
});

interface Forgery {
  readonly header?: string | null;
  readonly activity?: Record<string, unknown>;
}
type Forge = () => Promise<Forgery> | Forgery;

/** The published key as the bytes that a careless verifier would take for a shared secret. */
async function publicKeyAsSecret(): Promise<Uint8Array> {
  const [jwk] = await fake.publishedKeys();
  const key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
  return Buffer.from(key.export({ type: 'spki', format: 'pem' }));
}
const withOtherKey = async (overrides: TokenOverrides = {}) => sign({ ...overrides, key: (await generateKeyPair('RS256')).privateKey });
const tampered = async (change: (parts: string[]) => string[]) => ({ header: `Bearer ${change(partsOf(await sign())).join('.')}` });
const signed = async (overrides: TokenOverrides) => ({ header: await sign(overrides) });

describe('a request is refused', () => {
  const forgeries: [string, BotFrameworkRefusal['reason'], Forge][] = [
    ['without a header', 'no-token', () => ({ header: null })],
    ['with an empty header', 'no-token', () => ({ header: '' })],
    ['with Basic credentials', 'no-token', () => ({ header: 'Basic YTpi' })],
    ['with a bearer token that is not a JWT', 'no-token', () => ({ header: 'Bearer secret' })],
    ['with a token of endless length', 'no-token', () => ({ header: `Bearer ${'a'.repeat(20_000)}.b.c` })],
    ['with parts that are not JSON', 'malformed', () => ({ header: 'Bearer YQ.YQ.YQ' })],
    [
      'that is not signed (alg none)',
      'algorithm',
      async () => {
        const [, payload] = partsOf(await sign());
        return { header: `Bearer ${new UnsecuredJWT(decode(payload)).encode()}` };
      },
    ],
    [
      'signed with the public key as a secret (HS256)',
      'algorithm',
      async () => signed({ header: { alg: 'HS256' }, key: await publicKeyAsSecret() }),
    ],
    [
      'signed with another algorithm (PS256)',
      'algorithm',
      async () => signed({ header: { alg: 'PS256' }, key: (await generateKeyPair('PS256')).privateKey }),
    ],
    ['without its signature', 'signature', () => tampered(([header = '', payload = '']) => [header, payload, ''])],
    [
      'with another bot in its claims',
      'signature',
      () => tampered(([header = '', payload, signature = '']) => [header, encode({ ...decode(payload), aud: 'another' }), signature]),
    ],
    [
      'with another algorithm in its header',
      'algorithm',
      () => tampered(([header, payload = '', signature = '']) => [encode({ ...decode(header), alg: 'RS512' }), payload, signature]),
    ],
    ['signed with another key under the id of a published one', 'signature', async () => ({ header: await withOtherKey() })],
    ['signed with a key that is not published', 'unknown-key', async () => ({ header: await withOtherKey({ header: { kid: 'mine' } }) })],
    ['without the id of its key', 'unknown-key', () => signed({ header: { kid: undefined } })],
    [
      'with a critical header that is not understood',
      'malformed',
      () => tampered(([header, payload = '', signature = '']) => [encode({ ...decode(header), crit: ['x'], x: 1 }), payload, signature]),
    ],
    ['of another issuer', 'issuer', () => signed({ claims: { iss: 'https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/' } })],
    ['of no issuer', 'issuer', () => signed({ claims: { iss: undefined } })],
    ['for an application without a bot here', 'audience', () => signed({ claims: { aud: fake.addBot().applicationId } })],
    ['for nobody', 'audience', () => signed({ claims: { aud: undefined } })],
    ['for several', 'audience', () => signed({ claims: { aud: [bot.applicationId, 'another'] } })],
    ['that expired six minutes ago', 'expired', () => signed({ claims: { exp: seconds(now - 6 * MINUTE) } })],
    ['that never expires', 'malformed', () => signed({ claims: { exp: undefined } })],
    ['that is valid in six minutes', 'not-yet-valid', () => signed({ claims: { nbf: seconds(now + 6 * MINUTE) } })],
    ['without the serviceurl claim', 'service-url', () => signed({ claims: { serviceurl: undefined } })],
    ['for another service', 'service-url', () => signed({ claims: { serviceurl: 'https://evil.example/' } })],
    ['with two services', 'service-url', () => signed({ claims: { serviceUrl: 'https://evil.example/' } })],
    ['whose body names another service', 'service-url', () => ({ activity: { serviceUrl: 'https://evil.example/' } })],
    ['whose body names no service', 'service-url', () => ({ activity: { serviceUrl: undefined } })],
    ['for a channel that its key is not endorsed for', 'endorsement', () => ({ activity: { channelId: 'slack' } })],
    ['for no channel', 'endorsement', () => ({ activity: { channelId: undefined } })],
  ];

  test.each(forgeries)('%s', async (_, reason, forge) => {
    const verifier = createVerifier();
    const { header, activity: changes } = await forge();
    const authorization = header === undefined ? await sign() : header;
    const error = await verifier.verify(authorization, { ...activity, ...changes }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(BotFrameworkRefusal);
    expect(error.reason).toBe(reason);
    if (reason !== 'audience') expect(asked).toEqual([]);
    const [, payload, signature] = partsOf(authorization ?? '');
    for (const secret of [payload, signature]) if (secret && secret.length > 3) expect(error.message).not.toContain(secret);
  });

  test('with its own keys, wherever its header locates them', async () => {
    const verifier = createVerifier();
    await verifier.verify(await sign(), activity);
    const seen = fake.requests.length;
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    const jwk = await exportJWK(publicKey);
    const [kid] = (await fake.publishedKeys()).map((key) => key.kid);
    for (const header of [
      { jku: `${fake.url}/keys`, kid },
      { x5u: `${fake.url}/keys`, kid },
      { jwk, kid },
      { x5c: ['MIIB'], kid },
    ]) {
      const forged = await sign({ header, key: privateKey });
      await expect(verifier.verify(forged, activity)).rejects.toMatchObject({ reason: 'signature' });
    }
    expect(fake.requests.length).toBe(seen);
  });

  test('with a key that is endorsed for no channel', async () => {
    await fake.rotateKeys({ endorsements: [] });
    await expect(createVerifier().verify(await sign(), activity)).rejects.toMatchObject({ reason: 'endorsement' });
    await fake.rotateKeys();
  });
});

describe('the keys', () => {
  test('are fetched once by simultaneous requests, and cached for a day', async () => {
    const verifier = createVerifier();
    const before = [count('openid'), count('keys')];
    const authorization = await sign({ claims: { exp: seconds(now + 30 * HOUR) } });
    await Promise.all([1, 2, 3].map(() => verifier.verify(authorization, activity)));
    now += 23 * HOUR;
    await verifier.verify(authorization, activity);
    expect([count('openid'), count('keys')]).toEqual(before.map((reads) => reads + 1));
    now += 2 * HOUR;
    await verifier.verify(authorization, activity);
    expect([count('openid'), count('keys')]).toEqual(before.map((reads) => reads + 2));
  });

  test('that are withdrawn are valid for at most a day', async () => {
    const verifier = createVerifier();
    const authorization = await sign({ claims: { exp: seconds(now + 30 * HOUR) } });
    await verifier.verify(authorization, activity);
    await fake.rotateKeys({ withdraw: true });
    await verifier.verify(authorization, activity);
    now += 25 * HOUR;
    await expect(verifier.verify(authorization, activity)).rejects.toMatchObject({ reason: 'unknown-key' });
  });

  test('are fetched again for a new one, but not for every unknown one: once an hour', async () => {
    const verifier = createVerifier();
    await verifier.verify(await sign(), activity);
    await fake.rotateKeys();
    const reads = count('keys');
    await expect(verifier.verify(await sign(), activity)).resolves.toBeTruthy();
    expect(count('keys')).toBe(reads + 1);
    const unknown = await sign({ header: { kid: 'unknown' } });
    for (let i = 0; i < 3; i++) await expect(verifier.verify(unknown, activity)).rejects.toMatchObject({ reason: 'unknown-key' });
    expect(count('keys')).toBe(reads + 1);
    now += HOUR;
    await expect(verifier.verify(unknown, activity)).rejects.toMatchObject({ reason: 'unknown-key' });
    expect(count('keys')).toBe(reads + 2);
  });

  test.each<[string, MicrosoftRoute, Parameters<FakeMicrosoft['fault']>[1]]>([
    ['the configuration fails', 'openid', { answer: { status: 503 } }],
    ['the configuration is invalid', 'openid', { answer: { status: 200, body: {} } }],
    ['the keys fail', 'keys', { answer: { status: 500 } }],
    ['the keys are invalid', 'keys', { answer: { status: 200, body: { keys: 'none' } } }],
    ['the keys are truncated', 'keys', { reset: 'within' }],
    ['the connection breaks', 'keys', { reset: 'before' }],
    ['the configuration redirects', 'openid', { answer: { status: 302, headers: { location: 'https://evil.example/' } } }],
    ['the keys are at another origin', 'openid', { answer: { status: 200, body: { jwks_uri: 'http://127.0.0.1:1/keys' } } }],
  ])('that cannot be fetched are not a refusal, and are fetched again later: %s', async (_, route, fault) => {
    const verifier = createVerifier();
    fake.fault(route, fault);
    await expect(verifier.verify(await sign(), activity)).rejects.toBeInstanceOf(KeysUnavailableError);
    await expect(verifier.verify(await sign(), activity)).resolves.toBeTruthy();
  });

  test('that cannot be fetched for a new one are not a refusal either, and are fetched again after a minute', async () => {
    const verifier = createVerifier();
    const old = await sign();
    await verifier.verify(old, activity);
    await fake.rotateKeys();
    fake.fault('keys', { answer: { status: 503 } });
    const reads = count('keys');
    await expect(verifier.verify(await sign(), activity)).rejects.toBeInstanceOf(KeysUnavailableError);
    await expect(verifier.verify(await sign(), activity)).rejects.toBeInstanceOf(KeysUnavailableError);
    expect(count('keys')).toBe(reads + 1);
    await expect(verifier.verify(old, activity)).resolves.toBeTruthy();
    now += MINUTE;
    await expect(verifier.verify(await sign(), activity)).resolves.toBeTruthy();
  });

  test('that cannot be fetched three times are fetched again after five seconds', async () => {
    const verifier = createVerifier();
    fake.fault('keys', { answer: { status: 503 }, times: 3 });
    const reads = count('keys');
    for (let i = 0; i < 6; i++) await expect(verifier.verify(await sign(), activity)).rejects.toBeInstanceOf(KeysUnavailableError);
    expect(count('keys')).toBe(reads + 3);
    now += 5000;
    await expect(verifier.verify(await sign(), activity)).resolves.toBeTruthy();
  });

  test('of other types are ignored', async () => {
    const { publicKey } = await generateKeyPair('ES256');
    const [right] = await fake.publishedKeys();
    const others: JWK[] = [
      { ...(await exportJWK(publicKey)), kid: 'elliptic' },
      { kty: 'RSA', kid: 'broken' },
      { ...right, kid: 'encryption', use: 'enc' },
    ];
    fake.fault('keys', { answer: { status: 200, body: { keys: [...others, null, ...(await fake.publishedKeys())] } }, times: 2 });
    const verifier = createVerifier();
    await expect(verifier.verify(await sign(), activity)).resolves.toBeTruthy();
    for (const kid of ['elliptic', 'broken', 'encryption'])
      await expect(verifier.verify(await sign({ header: { kid } }), activity)).rejects.toMatchObject({ reason: 'unknown-key' });
  });

  test('are never fetched unencrypted, except from this machine', () => {
    expect(() => createVerifier('http://login.botframework.com/v1/.well-known/openidconfiguration')).toThrow(/is not https/);
  });
});
