import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startFakeServer } from '../fakes/fake-server.ts';
import { nobody } from '../platforms/microsoft/failures.ts';
import { checkHealth, mutate, readyCustomer, shownBot, verifiedStep, verifyBot } from '../support/bots.ts';
import { createTestExchange, type TestExchange } from '../support/exchange.ts';
import { chatOf } from '../support/teams-chat.ts';

let exchange: TestExchange;
beforeAll(async () => {
  exchange = await createTestExchange();
});
afterAll(() => exchange.close());
const { nextShownTo } = chatOf(() => exchange);

describe('IDS', () => {
  test.each([
    ['applicationId', 'SMS gateway', 'The application id SMS gateway is not a GUID.'],
    ['tenantId', 'Contoso', 'The tenant id Contoso is neither a GUID nor a domain.'],
  ])('fails if the %s has another form', async (field, value, message) => {
    const own = await readyCustomer(exchange);
    expect(await verifiedStep(own, 'IDS')).toMatchObject({ passed: true, cure: null });
    await mutate(own, 'updateBot', { sid: own.botSid, [field]: value }, 'bot { sid }');
    expect(await verifiedStep(own, 'IDS')).toMatchObject({
      ...{ passed: false, skipped: false, message, allPassed: false },
      cure: expect.stringContaining('overview of the app registration'),
    });
  });
});

describe('ENDPOINT', () => {
  /** Checks a bot's endpoint as if the gateway had this PUBLIC_URL. */
  async function endpointAt(publicUrl: string) {
    const own = await readyCustomer(exchange);
    const real = exchange.gateway.publicUrl;
    Object.assign(exchange.gateway, { publicUrl });
    try {
      return await verifiedStep(own, 'ENDPOINT');
    } finally {
      Object.assign(exchange.gateway, { publicUrl: real });
    }
  }
  const failed = (message: RegExp, code: string | null = null) => ({
    ...{ passed: false, allPassed: false, code, message: expect.stringMatching(message), cure: expect.stringContaining('PUBLIC_URL') },
  });

  test('passes on this machine, and says that Microsoft does not reach that', async () => {
    expect(await endpointAt(exchange.url)).toMatchObject({
      ...{ passed: true, cure: null, allPassed: true },
      message: `${exchange.url}/api/messages can only be reached from this machine: Microsoft needs a public https address.`,
    });
  });

  test('fails without https, before anybody is asked', async () => {
    expect(await endpointAt('http://gateway.example')).toMatchObject(failed(/is not https, which Microsoft requires/, 'EndpointNotHttps'));
  });

  test('fails for a host that there is none of, and one where nobody listens', async () => {
    expect(await endpointAt('https://gateway.invalid')).toMatchObject(failed(/gateway\.invalid cannot be reached/));
    expect(await endpointAt(await nobody())).toMatchObject(failed(/127\.0\.0\.1:\d+ cannot be reached/));
  });

  // A gateway refuses an activity without a token with 403, and everything but POST with 405.
  test.each([
    ['takes everything', 200, 200],
    ['has no such path', 404, 404],
    ['refuses everything', 403, 403],
    ['wants somebody to sign in', 401, 401],
  ])('fails where somebody else answers, who %s', async (_what, posted, read) => {
    const stranger = await startFakeServer(
      () => 'any' as const,
      ({ method }) => ({ status: method === 'POST' ? posted : read }),
    );
    try {
      expect(await endpointAt(stranger.url)).toMatchObject(failed(/not as this gateway does/, 'EndpointUnknown'));
      expect(stranger.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /api/messages', 'GET /api/messages']);
    } finally {
      await stranger.close();
    }
  });
});

describe('the authority', () => {
  test('HOME is found if its tenant is known, and works once the bot has it', async () => {
    const own = await readyCustomer(exchange, { botTenant: 'home-of-the-provider' });
    await mutate(own, 'updateBot', { sid: own.botSid, homeTenantId: 'home-of-the-provider' }, 'bot { sid }');
    expect(await verifyBot(own)).toMatchObject({ passed: false, authority: 'HOME' });
    expect(await verifiedStep(own, 'CONNECTOR')).toMatchObject({
      ...{ passed: false, message: expect.stringContaining('Microsoft takes tokens of the authority HOME, not of TENANT') },
    });
    await mutate(own, 'updateBot', { sid: own.botSid, authority: 'HOME' }, 'bot { sid }');
    expect(await verifyBot(own)).toMatchObject({ passed: true, authority: 'HOME' });
    await checkHealth(exchange);
    expect(await shownBot(own)).toMatchObject({ health: { status: 'HEALTHY' } });
  });

  test('HOME cannot be tried without its tenant: the check says that it takes one', async () => {
    const own = await readyCustomer(exchange, { botTenant: 'home-of-the-provider' });
    const { message, passed } = await verifiedStep(own, 'CONNECTOR');
    expect(passed).toBe(false);
    expect(message).toContain(
      'none of the authorities that were tried: TENANT, MULTI_TENANT. HOME was not, because homeTenantId is missing',
    );
    await mutate(own, 'updateBot', { sid: own.botSid, homeTenantId: 'another-tenant' }, 'bot { sid }');
    const tried = await verifiedStep(own, 'CONNECTOR');
    expect(tried.message).toContain('none of the authorities that were tried: TENANT, HOME, MULTI_TENANT.');
    expect(tried.message).not.toContain('homeTenantId');
  });

  test('is not what is wrong if login refuses the secret', async () => {
    const own = await readyCustomer(exchange);
    Object.assign(own.bot, { clientSecret: 'another' });
    expect((await verifiedStep(own, 'CONNECTOR')).message).toMatch(/^AADSTS7000215/);
  });
});

describe('a bot whose tenant is in GCC', () => {
  test('is moved there by verifyBot, and by a health check, and is healthy', async () => {
    const [verified, checked] = [await readyCustomer(exchange), await readyCustomer(exchange)];
    for (const { bot } of [verified, checked]) exchange.microsoft.gccTenants.add(bot.tenantId);
    expect(await verifyBot(verified)).toMatchObject({ passed: true });
    await checkHealth(exchange);
    for (const own of [verified, checked]) expect(await shownBot(own)).toMatchObject({ cloud: 'GCC', health: { status: 'HEALTHY' } });
    expect(await verifyBot(checked)).toMatchObject({ passed: true, authority: 'TENANT' });
  });

  test('is moved there by what it has to say', async () => {
    const own = await readyCustomer(exchange);
    await exchange.say(own, own.user, '+<number> <text>');
    await nextShownTo(own, 1);
    exchange.microsoft.gccTenants.add(own.bot.tenantId);
    await exchange.say(own, own.user, '+<number> <text>');
    await nextShownTo(own, 2);
    expect(await shownBot(own)).toMatchObject({ cloud: 'GCC' });
    expect(await verifyBot(own)).toMatchObject({ passed: true, authority: 'TENANT' });
    expect(await shownBot(own)).toMatchObject({ health: { status: 'HEALTHY' } });
  });
});
