import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type FakeMicrosoft, startFakeMicrosoft, type TeamsActivity } from '../fakes/microsoft.ts';
import type { FakeBot, FakeUser } from '../fakes/microsoft-state.ts';
import { type FakeRestcomm, startFakeRestcomm } from '../fakes/restcomm.ts';
import { ACCOUNT_SID, AUTH_TOKEN, AUTHORIZATION, SECRETS_KEY } from './gateway-process.ts';

/** A text that the gateway said it has: by its webhook, its bot endpoint or the graph. */
export interface Accepted {
  readonly body: string;
  /** Whose order is kept: all that a phone's or a user's loop wrote. */
  readonly conversation: string;
  readonly towards: 'phone' | 'teams';
}

export interface Traffic {
  readonly accepted: Accepted[];
  /** How often messages had to wait for a cure, which then came. */
  readonly cures: () => number;
  /** Ends every loop, and resolves when each has its last answer. */
  stop(): Promise<void>;
}

interface Person {
  readonly user: FakeUser;
  readonly number: string;
  readonly mappingSid: string;
}

/** The platforms on both sides of the gateway processes, and their users. */
export interface Surroundings {
  readonly restcomm: FakeRestcomm;
  readonly microsoft: FakeMicrosoft;
  readonly bot: FakeBot;
  /** What makes a process speak to these platforms. */
  readonly env: Record<string, string>;
  /** An enterprise with people, made by a gateway that listens. */
  populate(url: string, people: number): Promise<void>;
  /** Everybody writes, one text after another's answer, at a gateway that may be gone at any time. */
  begin(urls: readonly string[]): Traffic;
  /** The bodies that arrived at the other side of a conversation, in order, as often as they did. */
  arrived(towards: Accepted['towards']): { body: string; conversation: string }[];
  close(): Promise<void>;
}

/** Whom each way of writing is to. */
const PARTNERS: Readonly<Record<string, string>> = { teams: '+49302221', card: '+49301111', graph: '+49303331', '+100 held': '+49304441' };

/** What the first person does instead of being written to. */
const ASKED = ['+100 held'];

/** A port that nobody has: webhooks must find the gateway that comes after. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export async function createSurroundings(): Promise<Surroundings> {
  const [restcomm, microsoft] = await Promise.all([startFakeRestcomm(), startFakeMicrosoft()]);
  // So that there is always something under way, stored already or only then.
  restcomm.faults.always('send', () => ({ [Math.random() < 0.5 ? 'delay' : 'later']: Math.random() * 40 }));
  microsoft.fault('activities', { times: Number.POSITIVE_INFINITY, delayMs: 20 });
  const bot = microsoft.addBot();
  const people: Person[] = [];
  const numbers = new Map<string, string>();

  async function ask(url: string, query: string, input: object) {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { authorization: AUTHORIZATION, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables: { input } }),
    });
    const { data, errors } = await response.json();
    if (errors || !data.result.entity) throw new Error(JSON.stringify(errors ?? data));
    return data.result.entity.sid as string;
  }

  /** Posts an activity of a user's. @returns the answer */
  async function post(url: string, user: FakeUser, text: string, changes: Partial<TeamsActivity> = {}): Promise<Response> {
    const activity = microsoft.activityFrom(bot, user, text, changes);
    const headers = { authorization: await microsoft.signActivity(activity), 'content-type': 'application/json' };
    return fetch(`${url}/api/messages`, { method: 'POST', headers, body: JSON.stringify(activity) });
  }

  /** Presses a button of a card. @returns whether the card then says that the text was sent */
  async function press(url: string, user: FakeUser, button: { verb: string; data: object }, inputs: object): Promise<boolean> {
    const value = { action: { type: 'Action.Execute', verb: button.verb, data: { ...button.data, ...inputs } } };
    const response = await post(url, user, '', { type: 'invoke', name: 'adaptiveCard/action', value });
    return response.status === 200 && /"Sent to |"You replied:/.test(await response.text());
  }

  /** A user removes the bot's app, and installs it again when texts wait for that. @returns whether the gateway knows */
  async function removesApp(url: string, { user }: Person): Promise<boolean> {
    const refused = () => microsoft.requests.filter(({ status }) => status === 403).length;
    const before = refused();
    user.installed = false;
    await microsoft.until(() => refused() > before, 5_000).catch(() => {});
    user.installed = true;
    return reinstalled(url, user);
  }
  const reinstalled = async (url: string, user: FakeUser) =>
    (await post(url, user, '', { type: 'installationUpdate', action: 'add' })).status === 200;

  const shownTo = ({ objectId }: FakeUser) => microsoft.activities.filter((activity) => activity.objectId === objectId);

  const writers: Record<string, (url: string, person: Person, body: string) => Promise<boolean>> = {
    // A phone texts the person.
    phone: async (_url, { number }, body) => {
      const { answer } = await restcomm.receiveSms({ from: '+49301111', to: number, body });
      return answer?.status === 200;
    },
    // The person writes in Teams.
    teams: async (url, { user }, body) => (await post(url, user, `+49302221 ${body}`)).status === 200,
    // The person answers on the card of an SMS.
    card: async (url, { user }, body) => {
      const sms = shownTo(user).findLast(({ text }) => String(text).startsWith('From '));
      const button = sms?.attachments?.[0]?.content.actions[0];
      return button !== undefined && press(url, user, button, { reply: body });
    },
    // The person's text is held, since it begins like a number, and sent when they say whom it is for.
    '+100 held': async (url, { user }, body) => {
      if ((await post(url, user, body)).status !== 200) return false;
      const asked = await microsoft.until(() => shownTo(user).find(({ text }) => String(text).includes(body)), 30_000);
      // biome-ignore lint/suspicious/noExplicitAny: a card's JSON
      const box = asked.attachments?.[0]?.content.actions.find(({ verb }: any) => verb === 'sendTo');
      return press(url, user, box, { number: '+49 30 4441' });
    },
    // A frontend sends as the person.
    graph: async (url, { mappingSid }, body) => {
      await ask(
        url,
        'mutation ($input: SendMessageInput!) { result: sendMessage(input: $input) { ... on SendMessageSuccess { entity: sentMessage { sid } } } }',
        {
          mappingSid,
          to: '+49303331',
          body,
        },
      );
      return true;
    },
  };

  return {
    restcomm,
    microsoft,
    bot,
    env: {
      SECRETS_KEY,
      BOOTSTRAP_ACCOUNT_SID: ACCOUNT_SID,
      BOOTSTRAP_AUTH_TOKEN: AUTH_TOKEN,
      RESTCOMM_URL: restcomm.url,
      RESTCOMM_ACCOUNT_SID: restcomm.accountSid,
      RESTCOMM_AUTH_TOKEN: restcomm.authToken,
      TEAMS_PLATFORM: 'microsoft',
      MICROSOFT_LOGIN_URL: microsoft.settings.loginUrl,
      MICROSOFT_GRAPH_URL: microsoft.settings.graphUrl,
      BOT_SERVICE_URL: microsoft.settings.serviceUrl,
      BOT_SERVICE_HOSTS: microsoft.settings.serviceHosts.join(','),
      BOT_FRAMEWORK_OPENID_URL: microsoft.settings.openIdUrl,
    },
    populate: async (url, count) => {
      const enterpriseSid = await ask(
        url,
        'mutation ($input: CreateEnterpriseInput!) { result: createEnterprise(input: $input) { ... on CreateEnterpriseSuccess { entity: enterprise { sid } } } }',
        {
          name: 'Customer',
          enterpriseAdmin: { email: 'admin@customer.example', password: 'a-long-password' },
        },
      );
      const { applicationId, tenantId, clientSecret } = bot;
      await ask(
        url,
        'mutation ($input: CreateBotInput!) { result: createBot(input: $input) { ... on CreateBotSuccess { entity: bot { sid } } } }',
        {
          enterpriseSid,
          applicationId,
          tenantId,
          clientSecret,
          botAppId: 'app',
        },
      );
      for (let index = 0; index < count; index += 1) {
        const user = microsoft.addUser({ tenantId });
        const number = `+493000${index}1`;
        restcomm.addNumber(number);
        const input = { enterpriseSid, microsoftAddress: user.userPrincipalName, externalAddress: number };
        const mappingSid = await ask(
          url,
          'mutation ($input: CreateMappingInput!) { result: createMapping(input: $input) { ... on CreateMappingSuccess { entity: mapping { sid } } } }',
          input,
        );
        people.push({ user, number, mappingSid });
        numbers.set(user.objectId, number);
      }
    },
    begin: (urls) => {
      const accepted: Accepted[] = [];
      let stopped = false;
      let cures = 0;
      const waits = (async () => {
        const person = people.at(-1) as Person;
        for (let count = 0; !stopped; count += 1) {
          if (await removesApp(urls[count % urls.length] ?? '', person).catch(() => false)) cures += 1;
          await delay(500);
        }
        // The last time, the gateway may have been gone.
        while (!(await reinstalled(urls[0] ?? '', person.user).catch(() => false))) await delay(100);
      })();
      const loops = people.flatMap((person, place) =>
        Object.entries(writers).map(async ([kind, write], index) => {
          // A chat that phones fill has no room for questions: Teams takes 60 activities in 30 s.
          if ((place === 0) !== ASKED.includes(kind) && !['teams', 'graph'].includes(kind)) return;
          const towards = kind === 'phone' ? 'teams' : 'phone';
          const partner = PARTNERS[kind];
          const conversation = towards === 'teams' ? person.number : `${person.number} ${partner}`;
          for (let count = 0; !stopped; count += 1) {
            const body = `${kind} ${person.number} #${count} ${Math.random().toString(36).slice(2)}`;
            const url = urls[(count + index) % urls.length] ?? '';
            if (await write(url, person, body).catch(() => false)) accepted.push({ body, conversation, towards });
            // A pause that does not depend on a clock: a refused sender must not spin.
            await delay(60);
          }
        }),
      );
      return {
        accepted,
        cures: () => cures,
        stop: async () => {
          stopped = true;
          await Promise.all([...loops, waits]);
        },
      };
    },
    arrived: (towards) =>
      towards === 'phone'
        ? restcomm.messages.flatMap(({ direction, from, to, body }) =>
            direction === 'outbound-api' ? [{ body, conversation: `${from} ${to}` }] : [],
          )
        : microsoft.activities.flatMap(({ text, objectId }) => {
            const body = /^From \S+:\n(.*)$/s.exec(String(text))?.[1];
            return body === undefined ? [] : [{ body, conversation: numbers.get(objectId) ?? '' }];
          }),
    close: async () => {
      await Promise.all([restcomm.close(), microsoft.close()]);
    },
  };
}
