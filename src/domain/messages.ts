import {
  ChannelStatus,
  type Message,
  type MessageDirection,
  type MessageEvent,
  type MessageType,
  Prisma,
} from '../../prisma/client/client.ts';
import { selectRow, type Table } from '../database/select.ts';
import type { Sql } from '../database/sql.ts';
import type { Caller } from './caller.ts';
import { belonging } from './confinement.ts';
import { beginning, type CreatedRange, createdBetween, literal } from './filters.ts';
import type { Gateway } from './gateway.ts';
import { type Order, type Page, type PageArguments, readPage } from './keyset.ts';
import { type NestedLists, readsOf } from './nested-lists.ts';
import { sought } from './sid.ts';
import { fold } from './text.ts';

export interface MessageFilter extends CreatedRange {
  /** The parent of a nested list; no filter can leave it. */
  within?: { enterpriseSid: string } | { mappingSid: string };
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

export const MESSAGES: Table<Message> = { name: 'message', fields: Object.values(Prisma.MessageScalarFieldEnum) };

/** The message with this sid in the caller's organization, else `null`. */
export function findMessage({ sql }: Gateway, caller: Caller, sid: string): Promise<Message | null> {
  return selectRow(sql, MESSAGES, { sid: sought(sid), ...belonging(caller) });
}

/** One page of the caller's messages. Default order: creation. */
export function listMessages(
  { sql }: Gateway,
  caller: Caller,
  filter: MessageFilter,
  order: Order<MessageOrderField> = { field: 'DATE_CREATED', direction: 'ASC' },
  page: PageArguments = {},
  nested?: NestedLists,
): Promise<Page<Message>> {
  const filters = [
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
  const reads = readsOf(sql, MESSAGES, filter.within, nested);
  const all = !filter.within && !caller.enterpriseSid && filters.every((part) => Object.keys(part).length === 0);
  return readPage(
    caller,
    {
      name: 'messages',
      columns: { DATE_CREATED: 'dateCreated', FROM: 'fromFolded', TO: 'toFolded' },
      find: reads.find,
      count: all ? () => countMessages(sql, caller) : reads.count,
    },
    [belonging(caller), ...filters],
    order,
    page,
  );
}

/** How many messages the caller's organization has: kept, since counting them takes the longer the more there are. */
async function countMessages(sql: Sql, { organizationSid }: Caller): Promise<number> {
  const [row] = await sql.query<{ messages: string }>('SELECT messages FROM message_count WHERE organization_sid = $1', [organizationSid]);
  return Number(row?.messages ?? 0);
}

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
