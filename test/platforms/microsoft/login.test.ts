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
  const login = (now?: () => number) =>
    createMicrosoftLogin({ loginUrl: fake.settings.loginUrl, botScope: BOT_SCOPE, fetch, timeoutMs: 5000, now });

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

  const refusal = (status: number, error: string, words: string) => ({ answer: { status, body: { error, error_description: words } } });
  test.each<[string, Fault, string, string]>([
    ['too many equal requests', refusal(400, 'invalid_grant', 'AADSTS50196: The server terminated an operation.'), 'retry', 'AADSTS50196'],
    ['a transient error', refusal(400, 'invalid_request', 'AADSTS90024: A transient error has occurred.'), 'retry', 'AADSTS90024'],
    ['a directory that is away', refusal(400, 'invalid_request', 'AADSTS90033: A transient error has occurred.'), 'retry', 'AADSTS90033'],
    ['an error that says to retry', refusal(400, 'invalid_request', 'AADSTS50033: RetryableError'), 'retry', 'AADSTS50033'],
    ['an unavailable server', refusal(400, 'invalid_request', 'AADSTS90006: The service is unavailable.'), 'retry', 'AADSTS90006'],
    ['a throttled tenant', refusal(400, 'invalid_request', 'AADSTS90055: Too many requests.'), 'retry', 'AADSTS90055'],
    ['any code that is called temporary', refusal(400, 'temporarily_unavailable', 'AADSTS90000: Busy.'), 'retry', 'AADSTS90000'],
    ['a server error without a code', refusal(400, 'server_error', 'Try again.'), 'retry', 'server_error'],
    [
      'an expired secret that is called temporary',
      refusal(401, 'temporarily_unavailable', 'AADSTS7000222: Expired.'),
      'curable',
      'AADSTS7000222',
    ],
    ['a code within the words', refusal(401, 'invalid_client', 'invalid_client: AADSTS7000222: Expired.'), 'curable', 'AADSTS7000222'],
    ['a word that every object has', refusal(400, 'constructor', 'What?'), 'curable', 'constructor'],
    ['a code that is not listed', refusal(400, 'invalid_resource', 'AADSTS500011: No such resource.'), 'curable', 'AADSTS500011'],
  ])('that is not issued because of %s', async (_, fault, outcome, code) => {
    fake.fault('token', fault);
    await expect(login().token(bot, BOT_SCOPE)).rejects.toMatchObject({ outcome, code });
  });
});
