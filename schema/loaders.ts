import DataLoader from 'dataloader';
import type {
  Account,
  Bot,
  BotCredential,
  Conversation,
  DataExport,
  Enterprise,
  EnterpriseAdmin,
  Mapping,
  Message,
  MessageEvent,
  Organization,
} from '../prisma/client/client.ts';
import type { Total } from '../src/database/lists/bounds.ts';
import { countRowsOf, selectAll } from '../src/database/lists/select.ts';
import { listCredentials } from '../src/domain/bots/bot-credentials.ts';
import { BOTS, revealClientSecrets } from '../src/domain/bots/bots.ts';
import { findInTeams, type MappingInTeams, type OfMapping } from '../src/domain/bots/teams-installations.ts';
import { linkAppPackages } from '../src/domain/bulk/app-package.ts';
import type { Caller } from '../src/domain/caller.ts';
import { belonging, enterprises } from '../src/domain/confinement.ts';
import { ENTERPRISES } from '../src/domain/enterprises/enterprises.ts';
import type { SearchTooWideError } from '../src/domain/errors.ts';
import { headOf, type LogHead } from '../src/domain/events/events.ts';
import { findEvents } from '../src/domain/events/message-events.ts';
import type { Gateway } from '../src/domain/gateway.ts';
import { MAPPINGS } from '../src/domain/mappings/mappings.ts';
import { CONVERSATIONS } from '../src/domain/messages/conversations.ts';
import { countMessagesOf, listMessageEvents, MESSAGES } from '../src/domain/messages/messages.ts';
import { appPackageVersions } from '../src/domain/teams-app/package.ts';

/** The loaders of one request's relations: one statement for each relation and level, confined to the caller's organization. */
export interface Loaders {
  /**
   * Loads one list's page for each of many parents, in one statement.
   * @param field identifies the field of the request's document; its arguments are the same for all its parents
   */
  readonly pagesOf: <Row>(
    field: object,
    read: (parentSids: readonly string[]) => Promise<(Row | SearchTooWideError)[]>,
  ) => DataLoader<string, Row>;
  readonly organization: DataLoader<string, Organization | undefined>;
  readonly account: DataLoader<string, Account | undefined>;
  readonly enterprise: DataLoader<string, Enterprise | undefined>;
  readonly mapping: DataLoader<string, Mapping | undefined>;
  readonly message: DataLoader<string, Message | undefined>;
  readonly conversation: DataLoader<string, Conversation | undefined>;
  /** The head of the event log, by the organization's sid. */
  readonly logHead: DataLoader<string, LogHead>;
  readonly admin: DataLoader<string, EnterpriseAdmin | undefined>;
  /** By the enterprise's sid. */
  readonly adminOf: DataLoader<string, EnterpriseAdmin | undefined>;
  readonly bot: DataLoader<string, Bot | undefined>;
  /** By the enterprise's sid. */
  readonly botOf: DataLoader<string, Bot | undefined>;
  /** By the bot itself. */
  readonly appPackageLink: DataLoader<Bot, DataExport>;
  /** By the bot itself. */
  readonly appPackageVersion: DataLoader<Bot, string>;
  /** By the bot itself: its further credentials. */
  readonly botCredentials: DataLoader<Bot, BotCredential[]>;
  /** By the mapping itself. */
  readonly inTeams: DataLoader<OfMapping, MappingInTeams>;
  /** By the enterprise's sid. */
  readonly mappingCountOf: DataLoader<string, number>;
  /** By the enterprise's sid. */
  readonly messageCountOf: DataLoader<string, Total>;
  /** By the bot itself. Each read is recorded in the audit log. */
  readonly clientSecret: DataLoader<Bot, string>;
  /** By its cursor, an underscore and its message's sid. */
  readonly event: DataLoader<string, MessageEvent | null>;
  /** By the message's sid, oldest first. */
  readonly eventsOf: DataLoader<string, MessageEvent[]>;
}

/** Creates each loader when it is first used: most requests need one or none. */
const makers: { readonly [Name in keyof Loaders]: (gateway: Gateway, caller: Caller) => Loaders[Name] } = {
  pagesOf: () => byField(),
  organization: ({ prisma }, { organizationSid }) =>
    byKey('sid', (sids) => prisma.organization.findMany({ where: { AND: [{ sid: organizationSid }, { sid: { in: sids } }] } })),
  logHead: ({ prisma }, { organizationSid }) =>
    batched(async (sids) => {
      const head = await headOf(prisma, organizationSid);
      return sids.map(() => head);
    }),
  account: ({ prisma }, { organizationSid }) =>
    byKey('sid', (sids) => prisma.account.findMany({ where: { organizationSid, sid: { in: sids } } })),
  enterprise: ({ sql }, caller) => byKey('sid', (sids) => selectAll(sql, ENTERPRISES, { ...enterprises(caller), sid: { in: sids } })),
  mapping: ({ sql }, caller) => byKey('sid', (sids) => selectAll(sql, MAPPINGS, { ...belonging(caller), sid: { in: sids } })),
  message: ({ sql }, caller) => byKey('sid', (sids) => selectAll(sql, MESSAGES, { ...belonging(caller), sid: { in: sids } })),
  conversation: ({ sql }, caller) => byKey('sid', (sids) => selectAll(sql, CONVERSATIONS, { ...belonging(caller), sid: { in: sids } })),
  admin: ({ prisma }, caller) =>
    byKey('sid', (sids) => prisma.enterpriseAdmin.findMany({ where: { ...belonging(caller), sid: { in: sids } } })),
  adminOf: ({ prisma }, caller) =>
    byKey('enterpriseSid', (sids) => prisma.enterpriseAdmin.findMany({ where: { ...belonging(caller), enterpriseSid: { in: sids } } })),
  bot: ({ sql }, caller) => byKey('sid', (sids) => selectAll(sql, BOTS, { ...belonging(caller), sid: { in: sids } })),
  botOf: ({ sql }, caller) => byKey('enterpriseSid', (sids) => selectAll(sql, BOTS, { ...belonging(caller), enterpriseSid: { in: sids } })),
  appPackageLink: (gateway, caller) => batched((bots) => linkAppPackages(gateway, caller, bots)),
  appPackageVersion: (gateway, { organizationSid }) => batched((bots) => appPackageVersions(gateway, organizationSid, bots)),
  botCredentials: (gateway) => batched((bots) => listCredentials(gateway, bots)),
  inTeams: (gateway) => batched((mappings) => findInTeams(gateway, mappings)),
  mappingCountOf: ({ sql }, caller) => batched((sids) => countRowsOf(sql, MAPPINGS, 'enterpriseSid', sids, belonging(caller))),
  messageCountOf: ({ sql }, caller) => batched((sids) => countMessagesOf({ sql }, caller, 'enterpriseSid', sids)),
  clientSecret: (gateway, caller) => batched((bots) => revealClientSecrets(gateway, caller, bots)),
  event: (gateway, caller) =>
    batched((ids) => {
      const ends = ids.map((id) => Math.max(id.lastIndexOf('_'), 0));
      return findEvents(
        gateway,
        caller,
        ids.map((id, at) => ({ cursor: id.slice(0, ends[at]), messageSid: id.slice((ends[at] as number) + 1) })),
      );
    }),
  eventsOf: (gateway, caller) =>
    batched(async (sids) => {
      const events = await listMessageEvents(gateway, caller, sids);
      return sids.map((sid) => events.filter((event) => event.messageSid === sid));
    }),
};

class LazyLoaders {
  readonly made: Record<string, unknown> = {};

  constructor(
    readonly gateway: Gateway,
    readonly caller: Caller,
  ) {}
}
for (const [name, make] of Object.entries(makers)) {
  Object.defineProperty(LazyLoaders.prototype, name, {
    get(this: LazyLoaders) {
      this.made[name] ??= make(this.gateway, this.caller);
      return this.made[name];
    },
  });
}

/** Creates the loaders of one request. */
export const createLoaders = (gateway: Gateway, caller: Caller): Loaders => new LazyLoaders(gateway, caller) as unknown as Loaders;

function byField(): Loaders['pagesOf'] {
  const loaders = new Map<object, DataLoader<string, unknown>>();
  return <Row>(field: object, read: (parentSids: readonly string[]) => Promise<(Row | SearchTooWideError)[]>) => {
    // Async, since DataLoader hides an error that is thrown synchronously, e.g. for an invalid filter.
    const loader = loaders.get(field) ?? new DataLoader<string, unknown>(async (sids) => read(sids), { cache: false });
    loaders.set(field, loader);
    return loader as DataLoader<string, Row>;
  };
}

/** Loads each key once per batch, and caches nothing beyond it: in one request, a later mutation changes rows that an earlier one has read. */
function batched<Key, Value>(load: (keys: readonly Key[]) => Promise<Value[]>): DataLoader<Key, Value> {
  const loader = new DataLoader<Key, Value>((keys) => {
    loader.clearAll();
    return load(keys);
  });
  return loader;
}

function byKey<Key extends string, Row extends Record<Key, string>>(key: Key, find: (sids: string[]) => Promise<Row[]>) {
  return batched<string, Row | undefined>(async (sids) => {
    const rows = new Map((await find([...sids])).map((row) => [row[key] as string, row]));
    return sids.map((sid) => rows.get(sid));
  });
}
