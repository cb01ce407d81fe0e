import { type Message, type MessageEvent, Prisma } from '../../../prisma/client/client.ts';
import type { Total } from '../../database/lists/bounds.ts';
import { condition, Values } from '../../database/lists/conditions.ts';
import { countWindow, type KeptCounts } from '../../database/lists/kept-counts.ts';
import { listsOf, nestedReadsOf, type Reads, readsOf, readsOfAll } from '../../database/lists/reads.ts';
import { columnList, countWithinOf, selectRow } from '../../database/lists/select.ts';
import type { Table } from '../../database/lists/table.ts';
import { TEXT_INDEX } from '../../database/text-index.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import type { SearchTooWideError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import type { CreatedRange } from '../lists/filters.ts';
import { edgeOf, type ListDefinition, type Order, type PageArguments, readPage, readPages, type Selection } from '../lists/keyset.ts';
import type { Page } from '../lists/pages.ts';
import { normalizeSid } from '../values/sid.ts';
import { keptTotals } from './kept-totals.ts';
import { conditions, type MessageFilter } from './message-filter.ts';

type MessageOrderField = 'DATE_CREATED' | 'FROM' | 'TO';

export const MESSAGES: Table<Message> = {
  name: 'message',
  fields: Object.values(Prisma.MessageScalarFieldEnum),
  owner: 'organizationSid',
  indexes: [
    { by: 'restcommMessageSid', order: 'dateCreated', where: 'restcomm_message_sid IS NOT NULL' },
    { by: 'conversationSid', order: 'dateCreated', ownersIn: 'conversation' },
    { by: 'mappingSid', order: 'dateCreated', ownersIn: 'mapping' },
    { by: 'listedStatus', order: 'dateCreated', where: 'listed_status IS NOT NULL' },
    { only: { field: 'stuck', value: true }, order: 'dateCreated', where: 'stuck' },
    { only: { field: 'type', value: 'MMS' }, order: 'dateCreated', where: "type = 'MMS'" },
    { by: 'enterpriseSid', order: 'dateCreated' },
    { by: 'direction', order: 'dateCreated', isDense: true },
    { order: 'dateCreated', isDense: true },
    { order: 'fromFolded' },
    { order: 'toFolded' },
  ],
  digests: { fields: ['channelErrorCode', 'channelErrorMessage'], order: 'dateCreated' },
  textIndex: TEXT_INDEX,
  time: 'dateCreated',
};

/** Finds a message in the caller's reach; `null` where there is none. */
export function findMessage({ sql }: Gateway, caller: Caller, sid: string): Promise<Message | null> {
  return selectRow(sql, MESSAGES, { sid: normalizeSid(sid), ...belonging(caller) });
}

const LIST: ListDefinition<Message, MessageOrderField> = {
  name: 'messages',
  columns: { DATE_CREATED: 'dateCreated', FROM: 'fromFolded', TO: 'toFolded' },
  versions: { FROM: 2, TO: 2 },
};
const BY_CREATION: Order<MessageOrderField> = { field: 'DATE_CREATED', direction: 'ASC' };

/** The edge of a message in the default order of its lists. */
export const messageEdge = (message: Message) => edgeOf(LIST, 'DATE_CREATED', message);

/** Reads one page of the messages in the caller's reach. Sorted by creation by default. */
export function listMessages(
  { sql }: Gateway,
  caller: Caller,
  filter: MessageFilter,
  order: Order<MessageOrderField> = BY_CREATION,
  page: PageArguments = {},
  selection?: Selection,
): Promise<Page<Message>> {
  const filters = conditions(filter);
  return readPage(caller, LIST, readsFor(listsOf(sql), caller, filter, filters), [belonging(caller), ...filters], order, page, selection);
}

/** Counts as far as the bounds let it, and beyond them by what usage keeps. */
async function countExactly(
  sql: Gateway['sql'],
  caller: Caller,
  filter: MessageFilter,
  count: Reads<Message>['count'],
  where: object,
): Promise<Total> {
  const total = await count(where);
  if (total.isExact) return total;
  const countEnds = async (range: CreatedRange) => [await count(within(caller, { ...filter, ...range }))];
  const [kept] = (await keptTotals(sql, caller, filter, countEnds)) ?? [];
  return kept === undefined ? total : { count: kept, isExact: true };
}

/** The condition of the messages in the caller's reach that match the filter. */
const within = (caller: Caller, filter: MessageFilter) => ({ AND: [belonging(caller), ...conditions(filter)] });

/** The reads of the messages in the caller's reach that match the conditions. Numbers are kept of all messages, by day. */
function readsFor(sql: Gateway['sql'], caller: Caller, filter: MessageFilter, filters: readonly object[]): Reads<Message> {
  const all = { owner: caller.organizationSid, counts: COUNTS };
  const [only, ...further] = filters.filter((part) => Object.keys(part).length > 0);
  if (!only && !caller.enterpriseSid) return readsOfAll(sql, MESSAGES, all);
  if (caller.enterpriseSid || further.length > 0 || Object.keys(only ?? {}).join() !== 'dateCreated') {
    const reads = readsOf(sql, MESSAGES);
    const { count } = reads;
    return Object.assign(reads, { count: (where: object) => countExactly(sql, caller, filter, count, where) });
  }
  const { gte, lte } = (only as unknown as { readonly dateCreated: { readonly gte?: Date; readonly lte?: Date } }).dateCreated;
  return Object.assign(readsOf(sql, MESSAGES), { count: () => countWindow(sql, MESSAGES.name, all, { from: gte, to: lte }) });
}

/** Reads the same page of the messages of each of these enterprises, mappings or conversations, in the order of the parents. */
export function listMessagesOf(
  { sql }: Gateway,
  caller: Caller,
  parentField: 'enterpriseSid' | 'mappingSid' | 'conversationSid',
  parentSids: readonly string[],
  filter: MessageFilter,
  order: Order<MessageOrderField> = BY_CREATION,
  page: PageArguments = {},
  selection?: Selection,
): Promise<(Page<Message> | SearchTooWideError)[]> {
  // A conversation's sid is computed, and so no field of the row.
  const reads = nestedReadsOf(sql, MESSAGES, parentField as keyof Message, parentSids);
  const count = () => countMessagesOf({ sql }, caller, parentField, parentSids, filter);
  return readPages(caller, LIST, Object.assign(reads, { count }), [belonging(caller), ...conditions(filter)], order, page, selection);
}

/** Counts the messages of each of these enterprises, mappings or conversations, in the order of the parents: like the list's totals. */
export async function countMessagesOf(
  { sql }: Pick<Gateway, 'sql'>,
  caller: Caller,
  parentField: 'enterpriseSid' | 'mappingSid' | 'conversationSid',
  parentSids: readonly string[],
  filter: MessageFilter = {},
): Promise<Total[]> {
  const lists = listsOf(sql);
  const count = (range?: CreatedRange) =>
    countWithinOf(lists, MESSAGES, parentField as keyof Message, parentSids, within(caller, { ...filter, ...range }));
  const totals = await count();
  if (parentField === 'conversationSid' || totals.every(({ isExact }) => isExact)) return totals;
  const kept = await keptTotals(lists, caller, filter, count, { field: parentField, sids: parentSids });
  return kept ? kept.map((total) => ({ count: total, isExact: true })) : totals;
}

/** The number of each organization's messages is kept by triggers, since counting takes time in proportion to it. */
const COUNTS: KeptCounts = { totals: 'message_count', days: 'message_day', dayOf: 'dateCreated' };

/** Reads the events of these messages in the caller's reach, in the order of the log. */
export async function listMessageEvents({ sql }: Gateway, caller: Caller, messageSids: readonly string[]): Promise<MessageEvent[]> {
  const values = new Values();
  const sids = values.add([...messageSids]);
  const own = values.add(caller.organizationSid);
  const rows = await sql.query<MessageEvent & { readonly seq: unknown }>(
    `SELECT ${columnList(EVENT_FIELDS)} FROM message_event WHERE message_sid = ANY (${sids}) AND organization_sid = ${own}
       AND EXISTS (SELECT 1 FROM message WHERE sid = message_sid AND ${condition(belonging(caller), values)}) ORDER BY seq`,
    values.given,
  );
  return rows.map((row) => ({ ...row, seq: BigInt(String(row.seq)) }));
}
const EVENT_FIELDS = Object.values(Prisma.MessageEventScalarFieldEnum);
