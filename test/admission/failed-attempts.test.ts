import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createAuthentication, isRefusal } from '../../src/admission/authentication.ts';
import { createFailedAttempts, FAILED_ATTEMPTS, networkOf } from '../../src/admission/failed-attempts.ts';
import { suspendAccount } from '../../src/domain/access/accounts.ts';
import { hashPassword, PASSWORD_QUEUE } from '../../src/domain/passwords.ts';
import { newSid } from '../../src/domain/values/sid.ts';
import { authorizationOf, type Credentials } from '../support/credentials.ts';
import type { Provider } from '../support/gateway.ts';
import { createLiveGateway, type LiveGateway } from '../support/live.ts';
import { compileOpenApi } from '../support/openapi.ts';

const ATTACKER = '198.51.100.1';
const ELSEWHERE = '203.0.113.9';
const { perAddress } = FAILED_ATTEMPTS;

let gateway: LiveGateway;
beforeAll(async () => {
  // Slows as a gateway does; the waits are short, so that the tests are.
  gateway = await createLiveGateway({ access: { failedAttempts: { ...FAILED_ATTEMPTS, maxDelayMs: 300 } } });
});
afterAll(() => gateway.close());

const enter = async (path: string, credentials: Credentials | undefined, remoteAddress: string, init: RequestInit = {}) =>
  gateway.app.fetch(
    new Request(`http://gateway.test${path}`, {
      ...init,
      headers: { ...init.headers, ...(credentials && { authorization: authorizationOf(credentials) }) },
    }),
    { remoteAddress },
  );
const rest = (credentials: Credentials | undefined, address: string) => enter('/msteams/enterprises/search', credentials, address);
const basic = ({ accountSid, authToken }: Provider): Credentials => ({ user: accountSid, password: authToken });
const guess = (user: string): Credentials => ({ user, password: randomBytes(16).toString('hex') });
/** Another IPv4 address each time, of those that documentation may use for benchmarks. */
let addresses = 0;
const another = () => `198.18.${Math.floor(addresses / 250)}.${(addresses++ % 250) + 1}`;

/** Guesses until this address is refused. */
async function exhaust(address: string): Promise<void> {
  for (let count = 0; count < perAddress; count += 1) {
    expect((await rest(guess(`AC${randomBytes(16).toString('hex')}`), address)).status).toBe(401);
  }
}

describe('an address with many failed attempts', () => {
  beforeAll(async () => {
    await exhaust(ATTACKER);
  });

  test('is refused with 429 and Retry-After by REST in its envelope, as documented', async () => {
    const response = await rest(guess('nobody'), ATTACKER);
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(response.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    const text = await response.text();
    expect(JSON.parse(text)).toEqual({ errorCode: '429', message: 'Too Many Requests' });
    const openApi = compileOpenApi(await (await enter('/msteams/openapi.json', undefined, ELSEWHERE)).json());
    openApi.expectMatches('GET', new URL('http://gateway.test/msteams/enterprises/search'), response, text);
  });

  test.each([
    ['GraphQL', { method: 'POST', body: '{"query":"{ viewer { permissions } }"}', headers: { 'content-type': 'application/json' } }, ''],
    ['SSE', { headers: { accept: 'text/event-stream' } }, `?query=${encodeURIComponent('subscription { messageEvents { __typename } }')}`],
  ])('is refused with 429 and Retry-After by %s in its errors', async (_, init, query) => {
    const response = await enter(`/graphql${query}`, guess('nobody'), ATTACKER, init);
    expect(response.status).toBe(429);
    const retryAfter = Number(response.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(0);
    const message = expect.stringMatching(/^Too many failed authentication attempts/);
    expect(await response.json()).toEqual({ errors: [{ message, extensions: { code: 'TOO_MANY_REQUESTS', retryAfter } }] });
  });

  test('is refused over WebSocket with 1013, try again later', async () => {
    const own = await createLiveGateway({ access: { failedAttempts: { ...FAILED_ATTEMPTS, perAddress: 1 } } });
    const connect = async () => {
      const socket = new WebSocket(`${own.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
      await once(socket, 'open');
      socket.send(JSON.stringify({ type: 'connection_init', payload: { Authorization: authorizationOf(guess('nobody')) } }));
      const [code, reason] = await once(socket, 'close');
      return [code, String(reason)];
    };
    expect(await connect()).toEqual([4403, 'Forbidden']);
    expect(await connect()).toEqual([1013, expect.stringMatching(/^Too many failed authentication attempts; try again in \d+ s$/)]);
    await own.close();
  });

  test('is refused with any kind of credentials, even valid ones that were never verified before', async () => {
    const provider = await gateway.provider();
    for (const credentials of [{ token: 'guess' }, guess(newSid('RCS')), guess('admin@customer.example'), basic(provider)]) {
      expect((await rest(credentials, ATTACKER)).status).toBe(429);
    }
  });

  test('still gets the challenge if it sends no credentials', async () => {
    expect((await rest(undefined, ATTACKER)).status).toBe(401);
  });

  test('does not slow down other addresses', async () => {
    expect((await rest(basic(await gateway.provider()), ELSEWHERE)).status).toBe(200);
  });

  test('may still use credentials that were valid before, even after they are no longer cached', async () => {
    const provider = await gateway.provider();
    const here = another();
    expect((await rest(basic(provider), here)).status).toBe(200);
    await exhaust(here);
    expect((await rest(basic(provider), here)).status).toBe(200);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
    try {
      await exhaust(here);
      expect((await rest(guess(provider.accountSid), here)).status).toBe(429);
      expect((await rest(basic(provider), here)).status).toBe(200);
    } finally {
      vi.useRealTimers();
    }
  });

  test('may try again after a minute', async () => {
    const here = another();
    await exhaust(here);
    const retryAfter = Number((await rest(guess('nobody'), here)).headers.get('retry-after'));
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + retryAfter * 1000 });
    try {
      expect((await rest(basic(await gateway.provider()), here)).status).toBe(200);
    } finally {
      vi.useRealTimers();
    }
  });
});

test('attempts that succeed, are refused for another reason, or use credentials that were valid once do not count', async () => {
  const { fetch } = gateway.another({ failedAttempts: { ...FAILED_ATTEMPTS, perAddress: 2 } });
  const from = (credentials: Credentials | undefined) =>
    fetch(new Request('http://gateway.test/msteams/nothing', { headers: credentials && { authorization: authorizationOf(credentials) } }), {
      remoteAddress: ELSEWHERE,
    });
  const provider = await gateway.provider();
  const suspended = await gateway.provider();
  await suspendAccount(gateway.gateway, suspended.accountSid);
  const { data } = await provider.graph(
    'mutation { made: createAccessToken(input: { expiresIn: 60, permissions: [READ] }) { ... on CreateAccessTokenSuccess { token accessToken { sid } } } }',
  );
  await provider.graph(`mutation { revokeAccessToken(input: { sid: "${data.made.accessToken.sid}" }) { __typename } }`);
  for (let count = 0; count < 5; count += 1) {
    expect((await from({ token: data.made.token })).status).toBe(401);
    expect((await from(undefined)).status).toBe(401);
    expect((await from(basic(suspended))).status).toBe(403);
    expect((await from(basic(await gateway.provider()))).status).toBe(404);
  }
  await from(guess('nobody'));
  await from(guess('nobody'));
  expect((await from(guess('nobody'))).status).toBe(429);
});

describe('an account that is attacked from many addresses', () => {
  const attack = async (user: string, times = 30) => {
    for (let count = 0; count < times; count += 1) {
      void rest(guess(user), another());
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  test('delays attempts with its name, longer and longer up to a bound, whether or not the account exists', async () => {
    const began: number[] = [];
    for (const user of [(await gateway.provider()).accountSid, `AC${randomBytes(16).toString('hex')}`]) {
      const attempts = createFailedAttempts({ perAddress: 1000, perName: 2, maxDelayMs: 200 });
      const waits: number[] = [];
      for (let count = 0; count < 12; count += 1) {
        const start = performance.now();
        const attempt = await attempts.begin(another(), user);
        waits.push(performance.now() - start);
        if ('end' in attempt) attempt.end(true);
      }
      expect(Math.max(...waits.slice(0, 2))).toBeLessThan(100);
      // 200 ms is the bound. A timer may come a little early, and on a busy machine late.
      for (const wait of waits.slice(9)) expect(wait).toBeGreaterThan(190);
      began.push(waits.length);
    }
    expect(began).toEqual([12, 12]);
  });

  test('accepts its owner from elsewhere during the attack, with a delay', async () => {
    const provider = await gateway.provider();
    await attack(provider.accountSid);
    const owner = rest(basic(provider), ELSEWHERE);
    await attack(provider.accountSid);
    expect((await owner).status).toBe(200);
  });

  test('accepts an enterprise’s admin from elsewhere too, by its password', async () => {
    const provider = await gateway.provider();
    const { prisma } = gateway.database;
    const { organizationSid, accountSid } = provider;
    const enterprise = await prisma.enterprise.create({
      data: { sid: newSid('EN'), organizationSid, accountSid, name: 'Attacked', nameFolded: 'attacked' },
    });
    const sid = newSid('RCS');
    const account = { accountSid: `AC${randomBytes(16).toString('hex')}`, email: 'a@attacked.example', emailFolded: 'a@attacked.example' };
    const passwordHash = await hashPassword('correct horse');
    await prisma.enterpriseAdmin.create({ data: { sid, organizationSid, enterpriseSid: enterprise.sid, ...account, passwordHash } });
    await attack(sid, 12);
    expect((await rest({ user: sid, password: 'correct horse' }, ELSEWHERE)).status).toBe(200);
  });
});

test('a flood of passwords is refused with 503 and Retry-After beyond the queue’s bound, but credentials that were valid before are not', async () => {
  const authenticate = createAuthentication(gateway.gateway, { perAddress: 1000, perName: 1000, maxDelayMs: 0 });
  const present = (credentials: Credentials, remoteAddress: string) =>
    authenticate({ headers: new Headers({ authorization: authorizationOf(credentials) }) }, { remoteAddress });
  const provider = await gateway.provider();
  await present(basic(provider), ELSEWHERE);
  const flood = Array.from({ length: 40 }, () => present(guess(newSid('RCS')), ATTACKER));
  expect(isRefusal(await present(basic(provider), ATTACKER))).toBe(false);
  // Not an admin's password, so it needs no scrypt.
  expect(isRefusal(await present(basic(await gateway.provider()), ELSEWHERE))).toBe(false);
  const outcomes = await Promise.all(flood);
  const statuses = outcomes.map((outcome) => (isRefusal(outcome) ? outcome.status : 200));
  expect(new Set(statuses)).toEqual(new Set([401, 429, 503]));
  // Those that run, and those of one address that may wait.
  expect(statuses.filter((status) => status === 401)).toHaveLength(PASSWORD_QUEUE.concurrency + PASSWORD_QUEUE.maxWaitingPerOrigin);
  const busy = outcomes.find((outcome) => isRefusal(outcome) && outcome.status === 503);
  expect(busy).toMatchObject({ retryAfter: 2 });
});

describe('the network of an address', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('%s: %s', (address, origin) => {
    expect(networkOf(address)).toBe(origin);
  });

  test('all addresses of one IPv6 network count together', async () => {
    const attempts = createFailedAttempts({ perAddress: 3, perName: 1000, maxDelayMs: 0 });
    for (let host = 1; host <= 3; host += 1) {
      const attempt = await attempts.begin(`2001:db8:1:2::${host}`, undefined);
      if ('end' in attempt) attempt.end(true);
    }
    expect(await attempts.begin('2001:db8:1:2:ffff::1', undefined)).toEqual({ retryAfter: expect.any(Number) });
    expect(await attempts.begin('2001:db8:1:3::1', undefined)).toHaveProperty('end');
  });
});
