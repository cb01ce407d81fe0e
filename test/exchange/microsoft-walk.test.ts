import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/database/package-root.ts';
import { checkBots } from '../../src/domain/bots/bot-health.ts';
import { parseEnv } from '../../src/env.ts';
import { cloudsWith, DEFAULT_SERVICE_HOSTS } from '../../src/platforms/microsoft/clouds.ts';
import type { FakeBot, FakeUser } from '../fakes/microsoft-state.ts';
import { done, fresh, newEnterprise } from '../parity/faces.ts';
import { makeCertificate } from '../support/certificates.ts';
import { createTestExchange, type TestExchange, until } from '../support/exchange.ts';
import type { Provider } from '../support/gateway.ts';

// docs/microsoft.md, done in its order, for two users.

const document = readFileSync(join(packageRoot(), 'docs/microsoft.md'), 'utf8');

interface Step {
  readonly title: string;
  readonly text: string;
  readonly operation?: string;
}
const steps: Step[] = [...document.matchAll(/^## \d+\. (.+)\n([\s\S]*?)(?=^#)/gm)].map(([, title = '', text = '']) => ({
  ...{ title, text },
  operation: /```graphql\n([\s\S]*?)```/.exec(text)?.[1],
}));

let exchange: TestExchange;
let provider: Provider;
let enterpriseSid: string;
let bot: FakeBot;
let users: FakeUser[];
let sid: string;
let consent: string;
/** The users who are mapped, with their numbers. */
const mapped: { readonly user: FakeUser; readonly number: string }[] = [];
beforeAll(async () => {
  exchange = await createTestExchange({ installs: true });
  provider = await exchange.provider();
  enterpriseSid = (await done(provider, 'createEnterprise', newEnterprise())).sid;
});
afterAll(() => exchange.close());

/** Runs a step's operation. @returns the success of its only field */
// biome-ignore lint/suspicious/noExplicitAny: tests look into it
async function run({ operation = '' }: Step, variables: Record<string, unknown>): Promise<any> {
  const { data, errors } = await provider.graph(operation, variables);
  expect(errors).toBeUndefined();
  return Object.values(data)[0];
}
const failed = async (step: Step, microsoftAddress?: string) => {
  const { checks } = await run(step, { sid, microsoftAddress });
  return checks
    .filter(({ passed, skipped }: { passed: boolean; skipped: boolean }) => !passed && !skipped)
    .map(({ step: name }: { step: string }) => name);
};
const checking = steps.find(({ title }) => title === 'Check it') as Step;
/** Texts a mapped user, and waits until the text is in their Teams. */
async function text({ user, number }: (typeof mapped)[number], body: string) {
  const { sid: messageSid } = await exchange.restcomm.receiveSms({ from: '+4917012345671', to: number, body });
  const found = (await exchange.messages(provider)).find(({ restcommMessageSid }) => restcommMessageSid === messageSid);
  await exchange.ends(provider, found?.sid, 'DELIVERED');
  const shown = exchange.microsoft.activities.filter(({ objectId }) => objectId === user.objectId).map(({ text: words }) => words);
  expect(shown).toContainEqual(expect.stringContaining(body));
}
const inTeams = async (mappingSid: string) => {
  const query = 'query ($sid: ID!) { mapping(sid: $sid) { teams { installed conversationKnown lastError } } }';
  return (await provider.graph(query, { sid: mappingSid })).data.mapping.teams;
};

/** What each step does. */
const walk: Readonly<Record<string, (step: Step) => Promise<void>>> = {
  'Register an application': async ({ text: words }) => {
    // Where the page of the consent leads to.
    expect(words).toContain('`/console/`');
    bot = exchange.microsoft.addBot({ permissions: [], registered: false });
    users = [1, 2].map(() => exchange.microsoft.addUser({ tenantId: bot.tenantId, installed: false }));
  },
  'Give it a credential': async () => {
    bot.secretEnds.push({ hint: bot.clientSecret.slice(0, 3), endDateTime: new Date(Date.now() + 20 * 86_400_000).toISOString() });
  },
  'Ask for permissions': async ({ text: words }) => {
    expect(words).toMatch(/^\| `User\.Read\.All` \|/m);
  },
  'Create the bot in the gateway': async (step) => {
    const { applicationId, tenantId, clientSecret } = bot;
    const made = await run(step, { enterpriseSid, applicationId, tenantId, clientSecret, botAppId: applicationId });
    ({ sid, adminConsentUrl: consent } = made.bot);
    expect(await failed(checking)).toEqual(['GRAPH', 'CATALOG', 'CONNECTOR']);
  },
  'Let an administrator consent': async () => {
    expect(consent).toBe(`${exchange.microsoft.settings.loginUrl}/${bot.tenantId}/adminconsent?client_id=${bot.applicationId}`);
    const asked = steps.find(({ title }) => title === 'Ask for permissions')?.text ?? '';
    bot.permissions.push(...[...asked.matchAll(/^\| `([\w.]+)` \|/gm)].map(([, name = '']) => name));
    expect(await failed(checking)).toEqual(['CATALOG', 'CONNECTOR']);
  },
  'Create the Azure bot': async ({ text: words }) => {
    expect(words).toContain('`/api/messages`');
    bot.registered = true;
  },
  'Check it': async (step) => {
    expect(await failed(step)).toEqual(['CATALOG']);
    const { checks } = await run(step, { sid });
    // The document's permissions are all that the gateway knows a use for.
    expect(checks.find(({ step: name }: { step: string }) => name === 'GRAPH')).toMatchObject({ message: null });
  },
  'Give users the app': async (step) => {
    for (const { userPrincipalName } of users) expect(await failed(checking, userPrincipalName)).toEqual(['CATALOG', 'INSTALLATION']);
    const { appPackage } = await run(step, { sid });
    const files = unzipSync(new Uint8Array(await (await fetch(appPackage.url)).arrayBuffer()));
    const { id, version } = JSON.parse(Buffer.from(files['manifest.json'] ?? []).toString());
    expect(version).toBe(appPackage.version);
    exchange.microsoft.addApp(bot, { externalId: id });
    for (const { userPrincipalName } of users) expect(await failed(checking, userPrincipalName)).toEqual(['INSTALLATION']);
  },
  "Map a user's number": async (step) => {
    expect(users.map(({ installed }) => installed)).toEqual([false, false]);
    for (const user of users) {
      const number = `${fresh.number()}1`;
      exchange.restcomm.addNumber(number);
      const { mapping } = await run(step, { enterpriseSid, microsoftAddress: user.userPrincipalName, externalAddress: number });
      mapped.push({ user, number });
      await until(async () => (await inTeams(mapping.sid)).conversationKnown);
      expect(await inTeams(mapping.sid)).toEqual({ installed: true, conversationKnown: true, lastError: null });
      expect(await failed(checking, user.userPrincipalName)).toEqual([]);
    }
    for (const [at, one] of mapped.entries()) {
      await text(one, `Your first text, ${at}`);
      const activity = exchange.microsoft.activityFrom(bot, one.user, `Good morning, ${at}`);
      expect(await exchange.post(activity, await exchange.sign(activity))).toBe(200);
      const answer = (await exchange.messages(provider)).at(-1);
      expect(answer).toMatchObject({ direction: 'INBOUND', body: `Good morning, ${at}`, to: '+4917012345671' });
      await exchange.ends(provider, answer?.sid, 'DELIVERED');
    }
  },
  'Replace the credential before it ends': async (step) => {
    const health = async () =>
      (await provider.graph('query ($sid: ID!) { bot(sid: $sid) { health { status code } } }', { sid })).data.bot.health;
    while ((await checkBots(exchange.gateway)) > 0);
    expect(await health()).toEqual({ status: 'WARNING', code: 'CREDENTIAL_EXPIRES' });
    const { certificate, privateKey } = makeCertificate();
    bot.certificates.push(certificate);
    await run(step, { sid, certificate, privateKey });
    while ((await checkBots(exchange.gateway)) > 0);
    // The old one is only noted: another one lasts longer.
    expect(await health()).toEqual({ status: 'HEALTHY', code: 'CREDENTIAL_EXPIRES' });
    bot.secretExpired = true;
    exchange.microsoft.revokeTokens();
    for (const [at, one] of mapped.entries()) await text(one, `A text by the certificate, ${at}`);
  },
};

describe('the walk of docs/microsoft.md', () => {
  test('has a test of each step', () => {
    expect(steps.map(({ title }) => title)).toEqual(Object.keys(walk));
  });

  test.each(steps)('$title', async (step) => {
    await walk[step.title]?.(step);
  });
});

test('the table of clouds is the gateway’s', () => {
  const rows = [...document.matchAll(/^\| `([A-Z_]+)` \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|$/gm)].map(([, ...cells]) => cells);
  // As it is without any of its settings.
  const { microsoft } = parseEnv({ TEAMS_PLATFORM: 'microsoft', PUBLIC_URL: 'https://sms.example' });
  if (!microsoft) throw new Error('The settings have no Microsoft');
  const commercial = { ...microsoft, serviceHosts: DEFAULT_SERVICE_HOSTS };
  const host = (url: string | undefined) => (url ? new URL(url).host : '–');
  expect(rows).toEqual(
    Object.entries(cloudsWith(commercial)).map(([cloud, { loginUrl, graphUrl, serviceUrl, issuer }]) => [
      ...[cloud, host(loginUrl), host(graphUrl), host(serviceUrl), host(issuer)],
    ]),
  );
});
