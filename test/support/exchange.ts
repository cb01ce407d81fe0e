import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { expect } from 'vitest';
import type { Database } from '../../src/database/connect.ts';
import { hasBotOf } from '../../src/domain/bot-audience.ts';
import { accountSid } from '../../src/domain/values/sid.ts';
import type { ClaimLoop } from '../../src/exchange/claim-loop.ts';
import type { DispatcherOptions } from '../../src/exchange/outbox/dispatcher.ts';
import { startDispatcher } from '../../src/exchange/outbox/dispatcher.ts';
import { startInstaller } from '../../src/exchange/teams/chats/installer.ts';
import { startNoticeSender } from '../../src/exchange/teams/notice-sender.ts';
import { createBotFrameworkVerifier } from '../../src/platforms/microsoft/bot-framework-tokens.ts';
import { createHttpMicrosoft } from '../../src/platforms/microsoft/http.ts';
import { createHttpRestcomm } from '../../src/platforms/restcomm/http.ts';
import { listen } from '../../src/server/server.ts';
import type { TokenOverrides } from '../fakes/bot-framework-signer.ts';
import { type FakeMicrosoft, startFakeMicrosoft, type TeamsActivity } from '../fakes/microsoft.ts';
import type { FakeBot, FakeUser, PostedActivity } from '../fakes/microsoft-state.ts';
import { type FakeRestcomm, type FakeRestcommOptions, startFakeRestcomm } from '../fakes/restcomm.ts';
import { done, fresh } from '../parity/faces.ts';
import { type Access, createTestGateway, type Provider, type TestGateway } from './gateway.ts';

/** A Teams user with a number of their own. */
export interface Person {
  readonly user: FakeUser;
  readonly number: string;
  readonly mappingSid: string;
}

/** An enterprise of a provider, its bot, and the first of its people. */
export interface Customer extends Person {
  readonly provider: Provider;
  readonly enterpriseSid: string;
  readonly bot: FakeBot;
  readonly botSid: string;
}

/** A message as the graph shows it. */
// biome-ignore lint/suspicious/noExplicitAny: tests compare it as a whole
export type ShownMessage = Record<string, any>;

/** A button of a card that the bot has shown. */
export interface Button {
  readonly title: string;
  readonly verb: string;
  readonly data: Record<string, unknown>;
}

/** The answer to an invoke. */
export interface InvokeAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests compare it as a whole
  readonly body: any;
}

/** The buttons of the card of a posted activity. */
export const buttonsOf = ({ attachments }: Pick<PostedActivity, 'attachments'>): Button[] => attachments?.[0]?.content?.actions ?? [];

/** What a card says, line by line. */
// biome-ignore lint/suspicious/noExplicitAny: a card's JSON
export const linesOf = (card: any): string[] =>
  // biome-ignore lint/suspicious/noExplicitAny: a card's JSON
  card.body.flatMap(({ inlines }: any) => (inlines ? [inlines.map(({ text }: any) => text).join('')] : []));

export interface TestExchange extends Omit<TestGateway, 'close'> {
  readonly url: string;
  readonly restcomm: FakeRestcomm;
  readonly microsoft: FakeMicrosoft;
  /** What was logged, line by line. */
  readonly logged: string[];
  /** A new provider's customer, or a further one of a provider's, or with a bot that is known to Microsoft. */
  customer(of?: { provider?: Provider; bot?: FakeBot; user?: FakeUser; botAppId?: string }): Promise<Customer>;
  /** Another mapping of a customer's, for a new user or a known one. */
  person(customer: Customer, user?: FakeUser): Promise<Person>;
  /** A text from a phone, carried to its end: the gateway's message. */
  text(customer: Customer, to: Person, from: string, body: string, media?: readonly string[]): Promise<string>;
  /** Posts what a Teams user wrote, with Microsoft's signature. @returns the status of the answer */
  say(customer: Customer, user: FakeUser, text: string, changes?: Partial<TeamsActivity>): Promise<number>;
  /** Presses a card's button, as a client with Action.Execute does. @returns what the card becomes, and the answer as a whole */
  press(customer: Customer, user: FakeUser, button: Button, inputs?: Record<string, string>): Promise<InvokeAnswer>;
  post(activity: unknown, authorization?: string): Promise<number>;
  sign(activity: TeamsActivity, overrides?: TokenOverrides): Promise<string>;
  /** A provider's messages, the oldest first. */
  messages(provider: Provider, filter?: Record<string, unknown>): Promise<ShownMessage[]>;
  message(provider: Provider, sid: string): Promise<ShownMessage>;
  /** Waits until a message has this status, or is stuck. */
  ends(provider: Provider, sid: string, status: string): Promise<ShownMessage>;
  /** Nothing is handed over until it is resumed. */
  pause(): Promise<unknown>;
  resume(): void;
  /** Takes back the platforms' faults, and waits until the bots have said all notices: a late one would meet the fault of the next test. */
  calm(): Promise<void>;
  close(): Promise<void>;
}

export interface TestExchangeOptions extends Pick<FakeRestcommOptions, 'progress'> {
  /** How long a record of Restcomm's may be late, in ms. */
  readonly settlesMs?: number;
  readonly maxSegments?: number;
  readonly retry?: DispatcherOptions['retry'];
  readonly database?: Database;
  readonly access?: Access;
  /** Whether apps are installed in the background. */
  readonly installs?: boolean;
}

const SHOWN = `sid direction route type from to body mediaUrls segments encoding channelStatus channelErrorCode channelErrorMessage
  restcommMessageSid possiblyDuplicated stuck waiting { reason channelErrorCode cure since } mappingSid enterpriseSid events { status: channelStatus previousStatus: previousChannelStatus errorCode: channelErrorCode errorMessage: channelErrorMessage }`;

/** Pauses between two questions of `until`, in ms: a tenth of the time that has gone by, so that long waits leave the processors to others. */
const MIN_PAUSE_MS = 15;
const MAX_PAUSE_MS = 200;

/** Waits until `happened` gives something, asking again and again. Fails after `timeoutMs`. */
export async function until<T>(happened: () => Promise<T | undefined | false>, timeoutMs = 45_000): Promise<T> {
  const began = performance.now();
  for (;;) {
    const value = await happened();
    if (value !== undefined && value !== false) return value;
    const waited = performance.now() - began;
    if (waited > timeoutMs) throw new Error(`Did not happen within ${timeoutMs} ms: ${happened}`);
    await delay(Math.min(Math.max(waited / 10, MIN_PAUSE_MS), MAX_PAUSE_MS));
  }
}

/** A whole gateway that listens on loopback and moves messages, between fake platforms that speak real HTTP. */
export async function createTestExchange({
  progress,
  settlesMs = 500,
  maxSegments,
  retry,
  database,
  access,
  installs = false,
}: TestExchangeOptions = {}): Promise<TestExchange> {
  const [restcomm, microsoft] = await Promise.all([startFakeRestcomm({ progress }), startFakeMicrosoft()]);
  const logged: string[] = [];
  const listener = await listen((request, peer) => gateway.app.fetch(request, peer), { host: '127.0.0.1', port: 0 });
  const gateway = await createTestGateway({
    platforms: {
      restcomm: createHttpRestcomm({ ...restcomm, settlesMs, maxSegments, fetch }),
      microsoft: createHttpMicrosoft({ ...microsoft.settings, fetch }),
    },
    botFramework: createBotFrameworkVerifier({
      ...microsoft.settings,
      isKnownAudience: (applicationId, clouds) => hasBotOf(gateway.database.sql, applicationId, clouds),
      fetch,
    }),
    publicUrl: listener.url,
    database,
    access,
    queued: () => {
      dispatcher.wake();
      notices.wake();
    },
    log: pino({ level: 'info' }, { write: (line: string) => logged.push(line) }),
  });
  const options: DispatcherOptions = { concurrency: 8, perOrganization: 4, pollMs: 200, retry: { firstPauseMs: 50, ...retry } };
  const start = (): ClaimLoop => startDispatcher(gateway.gateway, options);
  let dispatcher = start();
  const installer = installs ? startInstaller(gateway.gateway, { pollMs: 100 }) : undefined;
  const notices = startNoticeSender(gateway.gateway, { pollMs: 200, firstPauseMs: 50 });

  async function messages(provider: Provider, filter: Record<string, unknown> = {}): Promise<ShownMessage[]> {
    const { data, errors } = await provider.graph(
      `query ($filter: MessageFilter) { messages(filter: $filter, first: 100) { nodes { ${SHOWN} } } }`,
      {
        filter,
      },
    );
    if (errors) throw new Error(JSON.stringify(errors));
    return data.messages.nodes;
  }

  async function message(provider: Provider, sid: string): Promise<ShownMessage> {
    const { data, errors } = await provider.graph(`query ($sid: ID!) { message(sid: $sid) { ${SHOWN} } }`, { sid });
    if (errors || !data.message) throw new Error(JSON.stringify(errors ?? `There is no message ${sid}`));
    return data.message;
  }

  async function person(
    { provider, enterpriseSid, bot }: Pick<Customer, 'provider' | 'enterpriseSid' | 'bot'>,
    user?: FakeUser,
  ): Promise<Person> {
    const known = user ?? microsoft.addUser({ tenantId: bot.tenantId });
    const number = `${fresh.number()}1`;
    restcomm.addNumber(number);
    const mapping = await done(provider, 'createMapping', {
      enterpriseSid,
      microsoftAddress: known.userPrincipalName,
      externalAddress: number,
    });
    return { user: known, number, mappingSid: mapping.sid };
  }

  async function ask(activity: unknown, authorization?: string): Promise<InvokeAnswer> {
    const headers = { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) };
    const response = await fetch(`${listener.url}/api/messages`, { method: 'POST', headers, body: JSON.stringify(activity) });
    const body = await response.text();
    return { status: response.status, body: body === '' ? undefined : JSON.parse(body) };
  }

  const post = async (activity: unknown, authorization?: string) => (await ask(activity, authorization)).status;

  return {
    ...gateway,
    url: listener.url,
    restcomm,
    microsoft,
    logged,
    customer: async ({ provider: given, bot = microsoft.addBot(), user, botAppId = 'app' } = {}) => {
      const provider = given ?? (await gateway.provider());
      const email = fresh.email();
      // An account that is there is linked: no test waits for the hash of a password.
      restcomm.accounts.set(accountSid(email), { sid: accountSid(email), email, friendlyName: email, authToken: '', status: 'active' });
      const enterpriseAdmin = { email, password: 'a-long-password' };
      const { sid: enterpriseSid } = await done(provider, 'createEnterprise', { name: fresh.name(), enterpriseAdmin });
      const { applicationId, tenantId, clientSecret, cloud } = bot;
      const ids = { enterpriseSid, applicationId, tenantId, clientSecret, botAppId, ...(cloud && { cloud }) };
      const { sid: botSid } = await done(provider, 'createBot', ids);
      const first = await person({ provider, enterpriseSid, bot }, user);
      return { provider, enterpriseSid, bot, botSid, ...first };
    },
    person,
    text: async ({ provider }, to, from, body, media) => {
      const { sid, answer } = await restcomm.receiveSms({ from, to: to.number, body, media });
      expect(answer?.status).toBe(200);
      const [stored] = (await messages(provider)).filter(({ restcommMessageSid }) => restcommMessageSid === sid);
      return stored?.sid;
    },
    say: async ({ bot }, user, text, changes) => {
      const activity = microsoft.activityFrom(bot, user, text, changes);
      return post(activity, await microsoft.signActivity(activity));
    },
    press: async ({ bot }, user, { verb, data }, inputs = {}) => {
      const action = { type: 'Action.Execute', verb, data: { ...data, ...inputs } };
      const activity = microsoft.activityFrom(bot, user, '', {
        type: 'invoke',
        name: 'adaptiveCard/action',
        value: { action, trigger: 'manual' },
      });
      return ask(activity, await microsoft.signActivity(activity));
    },
    post,
    sign: (activity, overrides) => microsoft.signActivity(activity, overrides),
    messages,
    message,
    ends: (provider, sid, status) =>
      until(async () => {
        // The graph is asked once the row has changed: that takes twenty times as long.
        const row = (await gateway.database.pool.query('SELECT channel_status AS status, stuck FROM message WHERE sid = $1', [sid]))
          .rows[0];
        if (row && row.status !== status && !(status === 'stuck' && row.stuck)) return false;
        const shown = await message(provider, sid);
        return (shown.channelStatus === status || (status === 'stuck' && shown.stuck)) && shown;
      }),
    pause: () => dispatcher.stop(),
    resume: () => {
      dispatcher = start();
    },
    calm: async () => {
      microsoft.heal();
      restcomm.faults.clear();
      await until(async () => (await gateway.gateway.prisma.notice.count({ where: { ended: null } })) === 0);
    },
    close: async () => {
      await Promise.all([dispatcher.stop(), notices.stop(), installer?.stop()]);
      await listener.drain(1_000);
      await gateway.close();
      await Promise.all([restcomm.close(), microsoft.close()]);
    },
  };
}
