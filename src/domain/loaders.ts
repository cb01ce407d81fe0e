import DataLoader from 'dataloader';
import type {
  Account,
  Bot,
  Enterprise,
  EnterpriseAdmin,
  Mapping,
  Message,
  MessageEvent,
  Organization,
} from '../../prisma/client/client.ts';
import { revealClientSecrets } from './bots.ts';
import type { Caller } from './caller.ts';
import { belonging, enterprises } from './confinement.ts';
import { headOf } from './events.ts';
import type { Gateway } from './gateway.ts';
import { listMessageEvents } from './messages.ts';

/** What one request's relations are read with: one statement a relation and level, all confined to the caller's organization. */
export interface Loaders {
  /**
   * A page of each of the parents that one field of the request's document is asked for, read together.
   * @param field what tells that field from others; its arguments are the same for all its parents
   */
  readonly pagesOf: <Row>(field: object, read: (parentSids: readonly string[]) => Promise<Row[]>) => DataLoader<string, Row>;
  readonly organization: DataLoader<string, Organization | undefined>;
  readonly account: DataLoader<string, Account | undefined>;
  readonly enterprise: DataLoader<string, Enterprise | undefined>;
  readonly mapping: DataLoader<string, Mapping | undefined>;
  readonly message: DataLoader<string, Message | undefined>;
  /** By the organization's sid: the name of its event log. */
  readonly logId: DataLoader<string, string>;
  /** By the enterprise's sid. */
  readonly adminOf: DataLoader<string, EnterpriseAdmin | undefined>;
  /** By the enterprise's sid. */
  readonly botOf: DataLoader<string, Bot | undefined>;
  /** By the enterprise's sid. */
  readonly mappingCountOf: DataLoader<string, number>;
  /** By the enterprise's sid. */
  readonly messageCountOf: DataLoader<string, number>;
  /** By the bot itself. Each reading is audited. */
  readonly clientSecret: DataLoader<Bot, string>;
  /** By the message's sid, oldest first. */
  readonly eventsOf: DataLoader<string, MessageEvent[]>;
}

/** Loaders for one request of one caller. */
export function createLoaders(gateway: Gateway, caller: Caller): Loaders {
  const { prisma } = gateway;
  const { organizationSid } = caller;
  return {
    pagesOf: byField(),
    organization: byKey('sid', (sids) =>
      prisma.organization.findMany({ where: { AND: [{ sid: organizationSid }, { sid: { in: sids } }] } }),
    ),
    logId: batched(async (sids) => {
      const { logId } = await headOf(prisma, organizationSid);
      return sids.map(() => logId);
    }),
    message: byKey('sid', (sids) => prisma.message.findMany({ where: { ...belonging(caller), sid: { in: sids } } })),
    account: byKey('sid', (sids) => prisma.account.findMany({ where: { organizationSid, sid: { in: sids } } })),
    enterprise: byKey('sid', (sids) => prisma.enterprise.findMany({ where: { ...enterprises(caller), sid: { in: sids } } })),
    mapping: byKey('sid', (sids) => prisma.mapping.findMany({ where: { ...belonging(caller), sid: { in: sids } } })),
    adminOf: byKey('enterpriseSid', (sids) =>
      prisma.enterpriseAdmin.findMany({ where: { ...belonging(caller), enterpriseSid: { in: sids } } }),
    ),
    botOf: byKey('enterpriseSid', (sids) => prisma.bot.findMany({ where: { ...belonging(caller), enterpriseSid: { in: sids } } })),
    mappingCountOf: counts(async (sids) => {
      const groups = await prisma.mapping.groupBy({
        by: ['enterpriseSid'],
        where: { ...belonging(caller), enterpriseSid: { in: sids } },
        _count: true,
      });
      return groups.map((group) => [group.enterpriseSid, group._count]);
    }),
    messageCountOf: counts(async (sids) => {
      const groups = await prisma.message.groupBy({
        by: ['enterpriseSid'],
        where: { ...belonging(caller), enterpriseSid: { in: sids } },
        _count: true,
      });
      return groups.map((group) => [group.enterpriseSid, group._count]);
    }),
    clientSecret: batched((bots) => revealClientSecrets(gateway, caller, bots)),
    eventsOf: batched(async (sids) => {
      const events = await listMessageEvents(gateway, caller, sids);
      return sids.map((sid) => events.filter((event) => event.messageSid === sid));
    }),
  };
}

function byField(): Loaders['pagesOf'] {
  const loaders = new Map<object, DataLoader<string, unknown>>();
  return <Row>(field: object, read: (parentSids: readonly string[]) => Promise<Row[]>) => {
    // Async, for DataLoader hides what is thrown at once, as for a filter that no row can fit.
    const loader = loaders.get(field) ?? new DataLoader<string, unknown>(async (sids) => read(sids), { cache: false });
    loaders.set(field, loader);
    return loader as DataLoader<string, Row>;
  };
}

/** Each key once a batch, and nothing beyond it: in one request, a later mutation changes what an earlier one has read. */
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

function counts(count: (sids: string[]) => Promise<[sid: string, count: number][]>) {
  return batched<string, number>(async (sids) => {
    const found = new Map(await count([...sids]));
    return sids.map((sid) => found.get(sid) ?? 0);
  });
}
