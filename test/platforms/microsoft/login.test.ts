import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createMicrosoftLogin } from '../../../src/platforms/microsoft/login.ts';
import type { Fault } from '../../fakes/fake-server.ts';
import { type FakeMicrosoft, startFakeMicrosoft } from '../../fakes/microsoft.ts';
import type { FakeBot } from '../../fakes/microsoft-state.ts';

const BOT_SCOPE = 'https://api.botframework.com/.default';

let fake: FakeMicrosoft;
let bot: FakeBot;

beforeEach(async () => {
  fake = await startFakeMicrosoft();
  bot = fake.addBot();
});
afterEach(() => fake.close());

const asked = () => fake.requests.filter(({ route }) => route === 'token');

describe('a token', () => {
  const login = (now?: () => number) => createMicrosoftLogin({ loginUrl: fake.settings.loginUrl, fetch, timeoutMs: 5000, now });

  test('is requested with the exact credentials, whatever characters they have', async () => {
    const odd = fake.addBot({ tenantId: 'a/b ?#c', clientSecret: 'p+l%us & =?\u00e9' });
    await expect(login().token(odd, BOT_SCOPE)).resolves.toBeTruthy();
    expect(asked().at(-1)?.path).toBe('/login/a%2Fb%20%3F%23c/oauth2/v2.0/token');
  });

  test('is requested once by simultaneous callers, and cached', async () => {
    const kept = login();
    const tokens = await Promise.all([1, 2, 3].map(() => kept.token(bot, BOT_SCOPE)));
    expect(new Set([...tokens, await kept.token(bot, BOT_SCOPE)]).size).toBe(1);
    expect(asked().length).toBe(1);
  });

  test('is cached separately by tenant, application, secret and scope', async () => {
    const kept = login();
    const elsewhere = fake.addBot({ applicationId: bot.applicationId });
    const other = fake.addBot({ tenantId: bot.tenantId });
    await kept.token(bot, BOT_SCOPE);
    await kept.token(bot, 'https://graph.microsoft.com/.default');
    await kept.token(elsewhere, BOT_SCOPE);
    await kept.token(other, BOT_SCOPE);
    await expect(kept.token({ ...bot, clientSecret: 'wrong' }, BOT_SCOPE)).rejects.toMatchObject({
      outcome: 'curable',
      code: 'AADSTS7000215',
    });
    expect(asked().length).toBe(5);
  });

  test.each([
    ['five minutes before it expires', 3600, 3299_000, 3301_000],
    ['at half of its lifetime if that is short', 60, 29_000, 31_000],
  ])('is renewed %s', async (_, lifetime, before, after) => {
    let now = 1_000_000;
    fake.tokenLifetime = lifetime;
    const kept = login(() => now);
    const first = await kept.token(bot, BOT_SCOPE);
    now = 1_000_000 + before;
    expect(await kept.token(bot, BOT_SCOPE)).toBe(first);
    now = 1_000_000 + after;
    expect(await kept.token(bot, BOT_SCOPE)).not.toBe(first);
  });

  test.each<[string, Fault]>([
    [
      'a refusal',
      { answer: { status: 401, body: { error: 'invalid_client', error_description: 'AADSTS7000222: The secret is expired.' } } },
    ],
    ['a server failure', { answer: { status: 503 } }],
    ['a response without a token', { answer: { status: 200, body: { token_type: 'Bearer' } } }],
    ['a truncated response', { reset: 'within' }],
    ['a broken connection', { reset: 'before' }],
    ['a redirect', { answer: { status: 302, headers: { location: '/login/x/oauth2/v2.0/token' } } }],
  ])('that is not issued leaves nothing behind: %s', async (_, fault) => {
    const kept = login();
    fake.fault('token', fault);
    const [one, two] = await Promise.allSettled([kept.token(bot, BOT_SCOPE), kept.token(bot, BOT_SCOPE)]);
    expect([one.status, two.status, asked().length]).toEqual(['rejected', 'rejected', 1]);
    await expect(kept.token(bot, BOT_SCOPE)).resolves.toBeTruthy();
  });
});
