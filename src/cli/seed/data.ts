import type { AccountStatus, EnterpriseStatus, Prisma } from '../../../prisma/client/client.ts';
import type { HeldPermission } from '../../domain/caller.ts';
import { comparedForm } from '../../domain/values/phone-numbers.ts';
import { accountSid } from '../../domain/values/sid.ts';
import { domainOf, fold } from '../../domain/values/text.ts';
import { documented } from './documented.ts';
import { type Conversation, converse, type MessageWithHistory, RECENT_MS } from './messages.ts';
import { type Random, seededRandom } from './random.ts';
import { firstNames, lastNames } from './texts.ts';

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
/** How many days of messages there are. */
const MESSAGE_DAYS = 60;
/** How many days ago INACTIVE and CLOSED enterprises became so. */
const STOPPED_DAYS = 20;

interface DemoAccount {
  readonly email: string;
  readonly friendlyName: string;
  readonly status: AccountStatus;
  readonly permissions?: readonly HeldPermission[];
}

/** The rows of an organization, except that client secrets are not sealed yet and accounts have no tokens. */
export interface DemoOrganization {
  readonly row: { readonly sid: string; readonly name: string; readonly dateCreated: Date };
  readonly accounts: readonly DemoAccount[];
  readonly enterprises: Prisma.EnterpriseCreateManyInput[];
  readonly admins: Prisma.EnterpriseAdminCreateManyInput[];
  readonly bots: (Omit<Prisma.BotCreateManyInput, 'clientSecret' | 'clientSecretHint'> & { readonly clientSecret: string })[];
  readonly mappings: Prisma.MappingCreateManyInput[];
  readonly messages: Prisma.MessageCreateManyInput[];
  /** In order of time, with seq from 1 without gaps. */
  readonly events: Prisma.MessageEventCreateManyInput[];
}

interface Plan {
  readonly name: string;
  /** The area code of its numbers: +1 <area> 555 0100 to 0199, which North America reserves for fiction. */
  readonly area: string;
  /** Whether it also has what the REST API's documentation has in its examples. */
  readonly isDocumented?: true;
  /** The first owns the enterprises. */
  readonly accounts: readonly [DemoAccount, ...DemoAccount[]];
  readonly enterprises: readonly {
    readonly name: string;
    readonly domain: string;
    readonly status?: EnterpriseStatus;
    readonly withoutBot?: true;
  }[];
}

const plans: readonly Plan[] = [
  {
    name: 'Northgate Communications',
    area: '212',
    isDocumented: true,
    accounts: [
      { email: 'operations@northgate.example', friendlyName: 'Northgate operations', status: 'ACTIVE' },
      { email: 'reports@northgate.example', friendlyName: 'Northgate reports', status: 'ACTIVE', permissions: ['read'] },
    ],
    enterprises: [
      { name: 'Birchwood Clinics', domain: 'birchwood.example' },
      { name: 'Kestrel Logistics', domain: 'kestrel.example' },
      { name: 'Lindqvist & Söhne', domain: 'lindqvist.example' },
      { name: 'Marlow Insurance', domain: 'marlow.example' },
      { name: 'Oakfield Schools', domain: 'oakfield.example', withoutBot: true },
      { name: 'Pinnacle Motors', domain: 'pinnacle.example', status: 'INACTIVE' },
      { name: 'Quayside Hotels', domain: 'quayside.example' },
      { name: 'Redstone Energy', domain: 'redstone.example', status: 'CLOSED' },
    ],
  },
  {
    name: 'Meridian Telecom',
    area: '415',
    accounts: [
      { email: 'operations@meridian.example', friendlyName: 'Meridian operations', status: 'ACTIVE' },
      { email: 'former@meridian.example', friendlyName: 'Meridian’s former reseller', status: 'SUSPENDED' },
    ],
    enterprises: [
      { name: 'Alder Bank', domain: 'alder.example' },
      { name: 'Brightwater Utilities', domain: 'brightwater.example' },
      { name: 'Calder Legal', domain: 'calder.example' },
      { name: 'Dunmore Estates', domain: 'dunmore.example', status: 'INACTIVE' },
      { name: 'Everly Travel', domain: 'everly.example', status: 'CLOSED' },
      // The same name as in the other organization: names are unique within one.
      { name: 'Birchwood Clinics', domain: 'birchwood-west.example' },
    ],
  },
];

/** Generates the demo's organizations as of `now`. Only times depend on it. */
export function demoData(now: Date): DemoOrganization[] {
  return plans.map((plan, index) => organization(seededRandom(index + 1), plan, now.getTime()));
}

function organization(random: Random, plan: Plan, now: number): DemoOrganization {
  const sid = `OR${random.hex(32)}`;
  const dateCreated = new Date(now - 200 * DAY_MS);
  const demo: DemoOrganization = {
    row: { sid, name: plan.name, dateCreated },
    accounts: plan.accounts,
    enterprises: [],
    admins: [],
    bots: [],
    mappings: [],
    messages: [],
    events: [],
  };
  const histories: MessageWithHistory[] = [];
  const owner = { organizationSid: sid, accountSid: accountSid(plan.accounts[0].email) };
  plan.enterprises.forEach((enterprise, index) => {
    const created = now - (180 - index * 7) * DAY_MS + random.integer(0, 8 * HOUR_MS);
    addEnterprise(random, demo, histories, { ...enterprise, ...owner, created, now, area: plan.area });
  });
  if (plan.isDocumented) {
    const {
      enterprises,
      admins,
      bots,
      mappings,
      histories: documentedHistories,
    } = documented(owner, new Date(now - STOPPED_DAYS * DAY_MS));
    demo.enterprises.push(...enterprises);
    demo.admins.push(...admins);
    demo.bots.push(...bots);
    demo.mappings.push(...mappings);
    histories.push(...documentedHistories);
  }
  demo.messages.push(...histories.map(({ message }) => message));
  demo.events.push(...inOrder(histories.flatMap(({ events }) => events)));
  return demo;
}

type EnterprisePlan = Plan['enterprises'][number] & {
  readonly organizationSid: string;
  readonly accountSid: string;
  readonly area: string;
  readonly created: number;
  readonly now: number;
};

function addEnterprise(random: Random, demo: DemoOrganization, histories: MessageWithHistory[], plan: EnterprisePlan): void {
  const { organizationSid, accountSid: account, name, domain, status = 'ACTIVE', created, now } = plan;
  const stopped = now - STOPPED_DAYS * DAY_MS;
  const dates = (at: number) => ({ dateCreated: new Date(at), dateUpdated: new Date(at) });
  const owner = { organizationSid, accountSid: account, enterpriseSid: `EN${random.hex(32)}` };
  const changed = status === 'ACTIVE' ? {} : { dateUpdated: new Date(stopped) };
  const enterprise = { sid: owner.enterpriseSid, organizationSid, accountSid: account, name, nameFolded: fold(name), status };
  demo.enterprises.push({ ...enterprise, ...dates(created), ...changed });
  const email = `admin@${domain}`;
  demo.admins.push({
    sid: `RCS${random.hex(32)}`,
    organizationSid,
    enterpriseSid: owner.enterpriseSid,
    accountSid: accountSid(email),
    email,
    emailFolded: fold(email),
    name: `${name} admin`,
    status: status === 'INACTIVE' ? 'SUSPENDED' : status,
    ...dates(created),
    ...changed,
  });
  const bot = { applicationId: random.uuid(), tenantId: random.uuid(), botAppId: random.uuid(), clientSecret: `demo~${random.hex(32)}` };
  if (!plan.withoutBot) demo.bots.push({ ...owner, ...bot, sid: `BE${random.hex(32)}`, ...dates(created + HOUR_MS) });

  const until = status === 'ACTIVE' ? now : stopped;
  const people = Array.from({ length: random.integer(3, 7) }, () => ({ first: random.pick(firstNames), last: random.pick(lastNames) }));
  people.forEach(({ first, last }, index) => {
    const microsoftAddress = `${plain(first)}.${plain(last)}@${domain}`;
    const mappingSid = `BE${random.hex(32)}`;
    const mapped = created + (index + 2) * HOUR_MS;
    // Closing an enterprise deletes its mappings; its messages remain without one.
    if (status !== 'CLOSED') {
      const externalAddress = `+1${plan.area}55501${String(demo.mappings.length).padStart(2, '0')}`;
      demo.mappings.push({
        ...owner,
        sid: mappingSid,
        name: `${first} ${last}`,
        nameFolded: fold(`${first} ${last}`),
        microsoftAddress,
        microsoftAddressFolded: fold(microsoftAddress),
        microsoftDomain: domainOf(microsoftAddress),
        microsoftObjectId: plan.withoutBot ? null : random.uuid(),
        externalAddress,
        externalDigits: comparedForm(externalAddress),
        ...dates(mapped),
      });
    }
    const conversation = { ...owner, mappingSid: status === 'CLOSED' ? null : mappingSid, microsoftAddress, firstName: first };
    // An enterprise without a bot exchanges no messages.
    if (!plan.withoutBot) histories.push(...talk(random, conversation, until, now));
  });
}

/** Generates a Teams user's conversations of some weeks. The last one of an active enterprise is in progress at `now`. */
function talk(random: Random, person: Omit<Conversation, 'phone'>, until: number, now: number): MessageWithHistory[] {
  const start = now - MESSAGE_DAYS * DAY_MS;
  // +44 7700 900000 to 900999, which the United Kingdom reserves for fiction.
  const phones = Array.from({ length: 6 }, () => `+447700900${String(random.integer(0, 999)).padStart(3, '0')}`) as [string, ...string[]];
  const conversations = random.integer(18, 32);
  return Array.from({ length: conversations }, (_, index) => {
    const share = (index + random.next()) / conversations;
    const latest = index === conversations - 1 && until === now;
    const at = latest ? now - random.integer(0, RECENT_MS) : start + Math.floor(share * (until - start - HOUR_MS));
    return converse(random, { ...person, phone: random.pick(phones) }, at, until);
  }).flat();
}

function inOrder(events: MessageWithHistory['events'][number][]): Prisma.MessageEventCreateManyInput[] {
  return events
    .map((event, index) => ({ event, index, at: new Date(event.occurredAt ?? 0).getTime() }))
    .sort((a, b) => a.at - b.at || a.index - b.index)
    .map(({ event }, index) => ({ ...event, seq: BigInt(index + 1) }));
}

/** Converts a name to the form that it has in an e-mail address. */
const plain = (name: string) => fold(name.normalize('NFD').replace(/\p{M}/gu, ''));
