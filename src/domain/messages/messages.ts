import {
  ChannelStatus,
  type Message,
  type MessageDirection,
  type MessageEvent,
  type MessageType,
  Prisma,
} from '../../../prisma/client/client.ts';
import type { KeptCounts } from '../../database/lists/kept-counts.ts';
import { nestedReadsOf, readsOf, readsOfAll } from '../../database/lists/reads.ts';
import { selectRow, type Table } from '../../database/lists/select.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import type { Gateway } from '../gateway.ts';
import { beginning, type CreatedRange, createdBetween, literal } from '../lists/filters.ts';
import { type Listed, type Order, type PageArguments, readPage, readPages, type Shown } from '../lists/keyset.ts';
import type { Page } from '../lists/pages.ts';
import { sought } from '../sid.ts';
import { fold } from '../text.ts';

export interface MessageFilter extends CreatedRange {
  enterpriseSid?: string | null;
  mappingSid?: string | null;
  type?: MessageType | null;
  direction?: MessageDirection | null;
  from?: string | null;
  to?: string | null;
  channelStatus?: string | null;
  channelErrorCode?: string | null;
  channelErrorMessage?: string | null;
  stuck?: boolean | null;
}
export type MessageOrderField = 'DATE_CREATED' | 'FROM' | 'TO';

export const MESSAGES: Table<Message> = {
  name: 'message',
  fields: Object.values(Prisma.MessageScalarFieldEnum),
  owner: 'organizationSid',
};

/** The message with this sid in the caller's organization, else `null`. */
export function findMessage({ sql }: Gateway, caller: Caller, sid: string): Promise<Message | null> {
  return selectRow(sql, MESSAGES, { sid: sought(sid), ...belonging(caller) });
}

const LIST: Listed<Message, MessageOrderField> = {
  name: 'messages',
  columns: { DATE_CREATED: 'dateCreated', FROM: 'fromFolded', TO: 'toFolded' },
};
const BY_CREATION: Order<MessageOrderField> = { field: 'DATE_CREATED', direction: 'ASC' };

/** One page of the caller's messages. Default order: creation. */
export function listMessages(
  { sql }: Gateway,
  caller: Caller,
  filter: MessageFilter,
  order: Order<MessageOrderField> = BY_CREATION,
  page: PageArguments = {},
  shown?: Shown,
): Promise<Page<Message>> {
  const filters = conditions(filter);
  const all = !caller.enterpriseSid && filters.every((part) => Object.keys(part).length === 0);
  const reads = all ? readsOfAll(sql, MESSAGES, { owner: caller.organizationSid, counts: COUNTS }) : readsOf(sql, MESSAGES);
  return readPage(caller, LIST, reads, [belonging(caller), ...filters], order, page, shown);
}

/** The same page of the messages of each of these enterprises, or mappings. */
export function listMessagesOf(
  { sql }: Gateway,
  caller: Caller,
  parentField: 'enterpriseSid' | 'mappingSid',
  parentSids: readonly string[],
  filter: MessageFilter,
  order: Order<MessageOrderField> = BY_CREATION,
  page: PageArguments = {},
  shown?: Shown,
): Promise<Page<Message>[]> {
  const reads = nestedReadsOf(sql, MESSAGES, parentField, parentSids);
  return readPages(caller, LIST, reads, [belonging(caller), ...conditions(filter)], order, page, shown);
}

const conditions = (filter: MessageFilter) => [
  filter.enterpriseSid ? { enterpriseSid: sought(filter.enterpriseSid) } : {},
  filter.mappingSid ? { mappingSid: sought(filter.mappingSid) } : {},
  filter.type ? { type: filter.type } : {},
  filter.direction ? { direction: filter.direction } : {},
  beginning('fromFolded', literal('from', filter.from)),
  beginning('toFolded', literal('to', filter.to)),
  withStatusContaining(filter.channelStatus),
  insensitively('channelErrorCode', literal('channelErrorCode', filter.channelErrorCode)),
  insensitively('channelErrorMessage', literal('channelErrorMessage', filter.channelErrorMessage)),
  filter.stuck == null ? {} : { stuck: filter.stuck },
  createdBetween(filter),
];

/** How many messages organizations have: kept, since counting them takes the longer the more there are. */
const COUNTS: KeptCounts = { totals: 'message_count', days: 'message_day', dayOf: 'dateCreated' };

/** The status history of one message, oldest first. */
export function listMessageEvents({ prisma }: Gateway, caller: Caller, messageSids: readonly string[]): Promise<MessageEvent[]> {
  return prisma.messageEvent.findMany({
    where: { organizationSid: caller.organizationSid, message: belonging(caller), messageSid: { in: [...messageSids] } },
    orderBy: { seq: 'asc' },
  });
}

/** `channelStatus` matches a part (REST.md, Requests). There are eight, so the part becomes the set that the index serves. */
function withStatusContaining(text: string | null | undefined) {
  const part = text?.trim();
  if (!part) return {};
  return { channelStatus: { in: Object.values(ChannelStatus).filter((status) => fold(status).includes(fold(part))) } };
}

function insensitively(column: 'channelErrorCode' | 'channelErrorMessage', text: string | undefined) {
  return text === undefined ? {} : { [column]: { contains: text, mode: 'insensitive' as const } };
}
