import {
  type ChannelStatus,
  type Message,
  type MessageDirection,
  type MessageEvent,
  type MessageType,
  Prisma,
} from '../../../prisma/client/client.ts';
import { condition, Values } from '../../database/lists/conditions.ts';
import { countWindow, type KeptCounts } from '../../database/lists/kept-counts.ts';
import { nestedReadsOf, type Reads, readsOf, readsOfAll } from '../../database/lists/reads.ts';
import { columnList, selectRow } from '../../database/lists/select.ts';
import type { Table } from '../../database/lists/table.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import type { SearchTooWideError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { invalidParameter } from '../input.ts';
import { literal, storable, type TimeRanges, timesBetween } from '../lists/filters.ts';
import { edgeOf, type ListDefinition, type Order, type PageArguments, readPage, readPages, type Selection } from '../lists/keyset.ts';
import { addressBeginning } from '../lists/number-filters.ts';
import type { Page } from '../lists/pages.ts';
import { normalizeSid } from '../sid.ts';
import { withStatusAmong } from './status-filter.ts';

export interface MessageFilter extends TimeRanges {
  enterpriseSid?: string | null;
  mappingSid?: string | null;
  conversationSid?: string | null;
  type?: MessageType | null;
  direction?: MessageDirection | null;
  from?: string | null;
  to?: string | null;
  body?: string | null;
  statuses?: readonly ChannelStatus[] | null;
  channelErrorCode?: string | null;
  channelErrorMessage?: string | null;
  restcommMessageSid?: string | null;
  stuck?: boolean | null;
}
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
  return readPage(caller, LIST, readsFor(sql, caller, filters), [belonging(caller), ...filters], order, page, selection);
}

/** The reads of the messages in the caller's reach that match the conditions. Numbers are kept of all messages, by day. */
function readsFor(sql: Gateway['sql'], caller: Caller, filters: readonly object[]): Reads<Message> {
  const all = { owner: caller.organizationSid, counts: COUNTS };
  const [only, ...further] = filters.filter((part) => Object.keys(part).length > 0);
  if (caller.enterpriseSid || further.length > 0) return readsOf(sql, MESSAGES);
  if (!only) return readsOfAll(sql, MESSAGES, all);
  if (Object.keys(only).join() !== 'dateCreated') return readsOf(sql, MESSAGES);
  const { gte, lte } = (only as { readonly dateCreated: { readonly gte?: Date; readonly lte?: Date } }).dateCreated;
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
  return readPages(caller, LIST, reads, [belonging(caller), ...conditions(filter)], order, page, selection);
}

/** The conditions that a filter stands for. */
export const conditions = (filter: MessageFilter) => [
  filter.enterpriseSid ? { enterpriseSid: normalizeSid(filter.enterpriseSid) } : {},
  filter.mappingSid ? { mappingSid: normalizeSid(filter.mappingSid) } : {},
  filter.conversationSid ? { conversationSid: normalizeSid(filter.conversationSid) } : {},
  filter.type ? { type: filter.type } : {},
  filter.direction ? { direction: filter.direction } : {},
  addressBeginning('fromFolded', 'from', filter.from),
  addressBeginning('toFolded', 'to', filter.to),
  insensitively('body', atLeastThree('body', filter.body)),
  filter.statuses ? withStatusAmong(filter.statuses) : {},
  insensitively('channelErrorCode', literal('channelErrorCode', filter.channelErrorCode)),
  insensitively('channelErrorMessage', literal('channelErrorMessage', filter.channelErrorMessage)),
  restcommSid(filter.restcommMessageSid),
  filter.stuck == null ? {} : { stuck: filter.stuck },
  timesBetween(filter),
];

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

/** The condition that the platform gave the message this sid. */
function restcommSid(text: string | null | undefined) {
  const sid = storable('restcommMessageSid', text);
  return sid === undefined ? {} : { restcommMessageSid: sid };
}

/** @throws InvalidInputError INVALID_PARAMETER for a text of fewer than three characters, which most messages contain */
function atLeastThree(parameter: string, text: string | null | undefined): string | undefined {
  const given = text?.trim();
  if (given && given.length < 3) throw invalidParameter([parameter], 'must have at least three characters', given);
  return literal(parameter, text);
}

function insensitively(column: 'body' | 'channelErrorCode' | 'channelErrorMessage', text: string | undefined) {
  return text === undefined ? {} : { [column]: { contains: text, mode: 'insensitive' as const } };
}
