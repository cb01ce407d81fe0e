import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { checkBots } from '../../src/domain/bots/bot-health.ts';
import { addCredential, checkHealth, mutate, readyCustomer, shownBot, touch, verifiedStep, verifyBot } from '../support/bots.ts';
import { makeCertificate } from '../support/certificates.ts';
import { type Customer, createTestExchange, type TestExchange, until } from '../support/exchange.ts';
import { PARTNER } from '../support/teams-chat.ts';

// How a bot's health follows what happens: to messages, to credentials, and while a check is under way.

const DAY_MS = 86_400_000;
/** After that, Microsoft knows new credentials, and a check that told nothing is made again. */
const SOON_MS = 11 * 60_000;

let exchange: TestExchange;
beforeAll(async () => {
  exchange = await createTestExchange();
});
afterAll(() => exchange.close());
afterEach(() => {
  vi.useRealTimers();
  exchange.microsoft.heal();
});

const healthOf = async (own: Customer) => (await shownBot(own)).health;
async function checked(own: Customer) {
  await checkHealth(exchange);
  return healthOf(own);
}
const becomes = (own: Customer, status: string) => until(async () => (await healthOf(own)).status === status);
const later = (ms: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
const retry = (own: Customer, sid: string) => mutate(own, 'retryMessage', { sid }, 'retriedMessage { sid }');

const BLOCKED = { status: 403, body: { error: { code: 'BotDisabledByAdmin', message: 'The tenant admin disabled this bot' } } };
const ELSEWHERE = { status: 403, body: { error: { code: 'InvalidBotApiHost', message: 'Call https://elsewhere.example.' } } };

describe('while messages are refused for a cause that may be one user’s', () => {
  const warns = { status: 'WARNING', reason: 'BOT_BLOCKED', code: 'BotDisabledByAdmin', message: 'The tenant admin disabled this bot' };

  test('health warns, though all checks pass, until they are delivered', async () => {
    const own = await readyCustomer(exchange);
    const other = await exchange.person(own);
    expect(await checked(own)).toMatchObject({ status: 'HEALTHY' });
    exchange.microsoft.fault('activities', { times: 1000, answer: BLOCKED });
    const sids = [await exchange.text(own, own, PARTNER, 'one')];
    await exchange.ends(own.provider, sids[0] ?? '', 'stuck');
    await becomes(own, 'WARNING');
    expect(await healthOf(own)).toMatchObject({ ...warns, cure: expect.stringContaining('Teams admin center') });
    expect(await checked(own)).toMatchObject(warns);
    sids.push(await exchange.text(own, other, PARTNER, 'two'));
    await exchange.ends(own.provider, sids[1] ?? '', 'stuck');
    expect(await verifyBot(own)).toMatchObject({ passed: true });
    expect(await healthOf(own)).toMatchObject(warns);
    later(DAY_MS + SOON_MS);
    expect(await checked(own)).toMatchObject(warns);
    vi.useRealTimers();
    exchange.microsoft.heal();
    await retry(own, sids[0] ?? '');
    for (const sid of sids) await exchange.ends(own.provider, sid, 'DELIVERED');
    await until(async () => (await checked(own)).status === 'HEALTHY');
  });

  test('health warns, and other users get their messages', async () => {
    const own = await readyCustomer(exchange);
    const other = await exchange.person(own);
    await checkHealth(exchange);
    exchange.microsoft.fault('conversations', { times: 1000, answer: BLOCKED, when: ({ body }) => body.includes(own.user.objectId) });
    await exchange.ends(own.provider, await exchange.text(own, own, PARTNER, 'one'), 'stuck');
    await becomes(own, 'WARNING');
    await exchange.ends(own.provider, await exchange.text(own, other, PARTNER, 'two'), 'DELIVERED');
    expect(await checked(own)).toMatchObject(warns);
  });

  test('health goes on saying what is the matter for everybody, and warns after that', async () => {
    const own = await readyCustomer(exchange);
    const granted = own.bot.permissions;
    own.bot.permissions = [];
    expect(await checked(own)).toMatchObject({ status: 'UNHEALTHY', reason: 'GRAPH_PERMISSION' });
    exchange.microsoft.fault('conversations', { times: 1000, answer: BLOCKED, when: ({ body }) => body.includes(own.user.objectId) });
    await exchange.ends(own.provider, await exchange.text(own, own, PARTNER, 'one'), 'stuck');
    expect(await checked(own)).toMatchObject({ status: 'UNHEALTHY', reason: 'GRAPH_PERMISSION' });
    own.bot.permissions = granted;
    await until(async () => {
      await verifyBot(own);
      return (await healthOf(own)).status === 'WARNING';
    });
    expect(await healthOf(own)).toMatchObject(warns);
  });

  test('of the connector, a check tells whether it is everybody’s', async () => {
    const own = await readyCustomer(exchange);
    await checkHealth(exchange);
    exchange.microsoft.fault('conversations', { times: 1000, answer: ELSEWHERE, when: ({ body }) => body.includes(own.user.objectId) });
    await exchange.ends(own.provider, await exchange.text(own, own, PARTNER, 'one'), 'stuck');
    await becomes(own, 'WARNING');
    const warns = { status: 'WARNING', reason: 'SERVICE_URL', code: 'InvalidBotApiHost' };
    expect(await checked(own)).toMatchObject(warns);
    exchange.microsoft.fault('members', { times: 1000, answer: ELSEWHERE });
    await touch(own);
    expect(await checked(own)).toMatchObject({ ...warns, status: 'UNHEALTHY' });
  });
});

describe('a credential that Microsoft may not know yet', () => {
  test.each([
    [true, { status: 'HEALTHY', reason: null }],
    [false, { status: 'WARNING', reason: 'CREDENTIAL_REFUSED', code: 'AADSTS7000215' }],
  ])('is not called refused at once, and is asked for again soon: known then, %s', async (isKnown, expected) => {
    const own = await readyCustomer(exchange);
    await checkHealth(exchange);
    await addCredential(own, { secret: 'another-secret' });
    expect(await checked(own)).toMatchObject({ status: 'HEALTHY' });
    if (isKnown) own.bot.secrets.push('another-secret');
    later(SOON_MS);
    expect(await checked(own)).toMatchObject(expected);
    // Another change makes nothing new that is old.
    await addCredential(own, { secret: 'a-third-secret' });
    expect(await checked(own)).toMatchObject(expected);
  });

  test('is no successor before it is known, and one as soon as it is', async () => {
    const own = await readyCustomer(exchange);
    const dateClientSecretExpires = new Date(Date.now() + 10 * DAY_MS).toISOString();
    await mutate(own, 'updateBot', { sid: own.botSid, dateClientSecretExpires }, 'bot { sid }');
    const { certificate, privateKey } = makeCertificate();
    await addCredential(own, { certificate, privateKey });
    expect(await checked(own)).toMatchObject({ status: 'WARNING', reason: 'CREDENTIAL_EXPIRES' });
    own.bot.certificates.push(certificate);
    later(SOON_MS);
    expect(await checked(own)).toMatchObject({ status: 'HEALTHY', code: 'CREDENTIAL_EXPIRES' });
  });

  test('leaves health as it was if it is the only one', async () => {
    const own = await readyCustomer(exchange);
    await checkHealth(exchange);
    const { certificate, privateKey } = makeCertificate();
    await addCredential(own, { certificate, privateKey });
    await mutate(own, 'updateBot', { sid: own.botSid, removeClientSecret: true }, 'bot { sid }');
    expect(await checked(own)).toMatchObject({ status: 'HEALTHY' });
    later(SOON_MS);
    expect(await checked(own)).toMatchObject({ status: 'UNHEALTHY', reason: 'BOT_CREDENTIALS', code: 'AADSTS700027' });
    own.bot.certificates.push(certificate);
    await touch(own);
    expect(await checked(own)).toMatchObject({ status: 'HEALTHY' });
  });
});

describe('the end of a credential', () => {
  test('that Graph has told stays known while Graph does not answer', async () => {
    const own = await readyCustomer(exchange);
    own.bot.permissions.push('Application.Read.All');
    own.bot.secretEnds.push({ hint: own.bot.clientSecret.slice(0, 3), endDateTime: new Date(Date.now() + 5 * DAY_MS).toISOString() });
    const before = await checked(own);
    expect(before).toMatchObject({ status: 'WARNING', reason: 'CREDENTIAL_EXPIRES' });
    exchange.microsoft.fault('application', { times: 50, answer: { status: 503, body: {} } });
    await touch(own);
    expect(await checked(own)).toEqual(before);
    // What is the matter now is said all the same.
    own.bot.registered = false;
    await touch(own);
    expect(await checked(own)).toMatchObject({ status: 'UNHEALTHY', reason: 'BOT_NOT_REGISTERED' });
  });

  test('is no reason to warn while login does not answer for the one that lasts longer', async () => {
    const own = await readyCustomer(exchange);
    const dateClientSecretExpires = new Date(Date.now() + 10 * DAY_MS).toISOString();
    await mutate(own, 'updateBot', { sid: own.botSid, dateClientSecretExpires }, 'bot { sid }');
    const { certificate, privateKey } = makeCertificate();
    own.bot.certificates.push(certificate);
    await addCredential(own, { certificate, privateKey });
    const before = await checked(own);
    expect(before).toMatchObject({ status: 'HEALTHY', code: 'CREDENTIAL_EXPIRES' });
    exchange.microsoft.fault('token', { times: 50, answer: { status: 503 }, when: ({ body }) => body.includes('client_assertion=') });
    await touch(own);
    expect(await checked(own)).toEqual(before);
  });
});

describe('what happens while a check is under way', () => {
  // No other bot is due.
  beforeEach(() => checkHealth(exchange));

  /** Starts a check that finds what is so now, and does something before it ends. */
  async function meanwhile(happens: () => Promise<unknown>, run: () => Promise<unknown> = () => checkHealth(exchange)) {
    const { microsoft } = exchange;
    const [before, held] = [microsoft.requests.length, microsoft.hold('users')];
    const running = run();
    await held.arrived;
    await microsoft.until(() => microsoft.requests.slice(before).some(({ route, status }) => route === 'members' && status));
    await happens();
    held.release();
    return running;
  }

  test.each([
    ['a change that changes nothing', touch],
    ['verifyBot', verifyBot],
  ])('counts more than what the check finds: %s', async (_what, act) => {
    const own = await readyCustomer(exchange);
    const granted = own.bot.permissions;
    own.bot.permissions = [];
    await meanwhile(async () => {
      own.bot.permissions = granted;
      await act(own);
    });
    expect(await healthOf(own)).toMatchObject({ status: 'HEALTHY' });
  });

  test.each([
    ['the job', () => checkBots(exchange.gateway), 1],
    ['verifyBot', verifyBot, { passed: false }],
  ] as const)(
    'is noted for the next check if an app cannot be installed for a user, and what %s finds counts',
    async (_who, run, found) => {
      const own = await readyCustomer(exchange, { permissions: ['User.Read.All', 'AppCatalog.Read.All'] });
      own.user.installed = false;
      const made = await meanwhile(
        async () => exchange.ends(own.provider, await exchange.text(own, own, PARTNER, 'one'), 'stuck'),
        () => run(own),
      );
      expect(made).toEqual(typeof found === 'number' ? found : expect.objectContaining(found));
      expect(await healthOf(own)).toMatchObject({ status: 'WARNING', reason: 'INSTALL_PERMISSION' });
      expect(await checkBots(exchange.gateway)).toBe(1);
    },
  );

  test('counts more than what the check finds: a message that is refused', async () => {
    const own = await readyCustomer(exchange);
    await meanwhile(async () => {
      own.bot.registered = false;
      await exchange.ends(own.provider, await exchange.text(own, own, PARTNER, 'one'), 'stuck');
      await becomes(own, 'UNHEALTHY');
      own.bot.registered = true;
    });
    expect(await healthOf(own)).toMatchObject({ status: 'UNHEALTHY', reason: 'BOT_NOT_REGISTERED' });
  });
});

test('what waits for a cause that is over is delivered, though a check finds that another one is the matter', async () => {
  const own = await readyCustomer(exchange);
  await checkHealth(exchange);
  own.bot.registered = false;
  const sid = await exchange.text(own, own, PARTNER, 'one');
  await exchange.ends(own.provider, sid, 'stuck');
  await becomes(own, 'UNHEALTHY');
  own.bot.registered = true;
  // The bot knows this user.
  own.bot.permissions = [];
  exchange.microsoft.revokeTokens();
  await verifyBot(own);
  expect(await healthOf(own)).toMatchObject({ status: 'UNHEALTHY', reason: 'GRAPH_PERMISSION' });
  await exchange.ends(own.provider, sid, 'DELIVERED');
});

test('a message that is refused before the first check does not put that off', async () => {
  const own = await readyCustomer(exchange);
  own.bot.registered = false;
  await exchange.ends(own.provider, await exchange.text(own, own, PARTNER, 'one'), 'stuck');
  await becomes(own, 'UNHEALTHY');
  own.bot.registered = true;
  expect(await checked(own)).toMatchObject({ status: 'HEALTHY' });
});

describe('a check that cannot be made', () => {
  test('since the gateway lacks the key of the bot’s credentials shows them as what is the matter', async () => {
    const own = await readyCustomer(exchange);
    const { prisma } = exchange.gateway;
    const { clientSecret } = await prisma.bot.findUniqueOrThrow({ where: { sid: own.botSid } });
    await prisma.bot.update({ where: { sid: own.botSid }, data: { clientSecret: clientSecret.toReversed() } });
    expect(await checked(own)).toMatchObject({
      ...{ status: 'UNHEALTHY', reason: 'BOT_CREDENTIALS', code: 'CredentialsUnreadable' },
      cure: expect.stringContaining('updateBot'),
    });
    expect(await verifiedStep(own, 'TOKEN')).toMatchObject({
      ...{ passed: false, skipped: false, allPassed: false, code: 'CredentialsUnreadable', message: expect.stringContaining('key') },
      cure: expect.stringContaining('updateBot'),
    });
    expect(await healthOf(own)).toMatchObject({ status: 'UNHEALTHY', code: 'CredentialsUnreadable' });
    await mutate(own, 'updateBot', { sid: own.botSid, clientSecret: own.bot.clientSecret }, 'bot { sid }');
    expect(await checked(own)).toMatchObject({ status: 'HEALTHY' });
  });

  test('for another cause is made again soon', async () => {
    const own = await readyCustomer(exchange);
    const { microsoft } = exchange.gateway;
    const { checkApp } = microsoft;
    Object.assign(microsoft, {
      checkApp: () => {
        Object.assign(microsoft, { checkApp });
        return Promise.reject(new Error('The database is away.'));
      },
    });
    expect(await checked(own)).toMatchObject({ status: 'UNKNOWN' });
    later(SOON_MS);
    expect(await checked(own)).toMatchObject({ status: 'HEALTHY' });
  });
});

test.each(['ForbiddenOperationException', 'MessageWritesBlocked'])(
  'a connector that has taken the bot, and refuses the conversation that a check asks for, is reached: %s',
  async (code) => {
    const own = await readyCustomer(exchange);
    exchange.microsoft.fault('members', { times: 50, answer: { status: 403, body: { error: { code, message: 'No.' } } } });
    expect(await checked(own)).toMatchObject({ status: 'HEALTHY' });
    expect(await verifiedStep(own, 'CONNECTOR')).toMatchObject({ passed: true, allPassed: true });
  },
);
