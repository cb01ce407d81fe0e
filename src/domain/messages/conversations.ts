import { createHash } from 'node:crypto';
import { type Conversation, type Message, Prisma } from '../../../prisma/client/client.ts';
import { nestedReadsOf, readsOf } from '../../database/lists/reads.ts';
import { selectRow } from '../../database/lists/select.ts';
import type { Table } from '../../database/lists/table.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import type { SearchTooWideError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { type ListDefinition, type Order, type PageArguments, readPage, readPages, type Selection } from '../lists/keyset.ts';
import { addressBeginning } from '../lists/number-filters.ts';
import type { Page } from '../lists/pages.ts';
import { toE164 } from '../values/phone-numbers.ts';
import { normalizeSid } from '../values/sid.ts';

interface ConversationFilter {
  enterpriseSid?: string | null;
  mappingSid?: string | null;
  phone?: string | null;
  unanswered?: boolean | null;
  lastMessageFrom?: Date | null;
  lastMessageTo?: Date | null;
}
type ConversationOrderField = 'LAST_MESSAGE' | 'PHONE' | 'UNANSWERED_SINCE';

export const CONVERSATIONS: Table<Conversation> = {
  name: 'conversation',
  fields: Object.values(Prisma.ConversationScalarFieldEnum),
  owner: 'organizationSid',
  indexes: [
    { by: 'mappingSid', order: 'lastMessageDate', ownersIn: 'mapping' },
    { by: 'enterpriseSid', order: 'lastMessageDate' },
    { order: 'lastMessageDate' },
    { order: 'unansweredSince', where: 'unanswered_since IS NOT NULL' },
    { order: 'phoneFolded' },
  ],
};

/** The columns of a message that its conversation follows from. */
type Conversing = Pick<Message, 'mappingSid' | 'enterpriseSid' | 'direction' | 'fromFolded' | 'toFolded'>;

/** The sid of a message's conversation, as the database's function conversation_sid computes it; `null` for a message whose mapping was deleted. */
export function conversationSidOf({ mappingSid, enterpriseSid, direction, fromFolded, toFolded }: Conversing): string | null {
  if (mappingSid === null) return null;
  const phone = direction === 'INBOUND' ? toFolded : fromFolded;
  return `CV${createHash('md5').update(`${mappingSid} ${enterpriseSid} ${phone}`).digest('hex')}`;
}

/** How to show a conversation's phone: in E.164, as a short code's digits, or as the name that the last message has. */
export function phoneShown({ phone, phoneFolded }: Pick<Conversation, 'phone' | 'phoneFolded'>): string {
  return /^[0-9]+$/.test(phoneFolded) ? (toE164(`+${phoneFolded}`) ?? phoneFolded) : phone;
}

/** Finds a conversation in the caller's reach; `null` where there is none. */
export function findConversation({ sql }: Gateway, caller: Caller, sid: string): Promise<Conversation | null> {
  return selectRow(sql, CONVERSATIONS, { sid: normalizeSid(sid), ...belonging(caller) });
}

const LIST: ListDefinition<Conversation, ConversationOrderField> = {
  name: 'conversations',
  columns: { LAST_MESSAGE: 'lastMessageDate', PHONE: 'phoneFolded', UNANSWERED_SINCE: 'unansweredSince' },
};
const NEWEST_FIRST: Order<ConversationOrderField> = { field: 'LAST_MESSAGE', direction: 'DESC' };

/** Reads one page of the conversations in the caller's reach. Those with the newest messages come first by default. */
export function listConversations(
  { sql }: Gateway,
  caller: Caller,
  filter: ConversationFilter,
  order: Order<ConversationOrderField> = NEWEST_FIRST,
  page: PageArguments = {},
  selection?: Selection,
): Promise<Page<Conversation>> {
  return readPage(caller, LIST, readsOf(sql, CONVERSATIONS), conditions(caller, filter, order), order, page, selection);
}

/** Reads the same page of the conversations of each of these mappings, in the order of the mappings. */
export function listConversationsOf(
  { sql }: Gateway,
  caller: Caller,
  mappingSids: readonly string[],
  filter: ConversationFilter,
  order: Order<ConversationOrderField> = NEWEST_FIRST,
  page: PageArguments = {},
  selection?: Selection,
): Promise<(Page<Conversation> | SearchTooWideError)[]> {
  const reads = nestedReadsOf(sql, CONVERSATIONS, 'mappingSid', mappingSids);
  return readPages(caller, LIST, reads, conditions(caller, filter, order), order, page, selection);
}

const conditions = (caller: Caller, filter: ConversationFilter, order: Order<ConversationOrderField>) => [
  belonging(caller),
  filter.enterpriseSid ? { enterpriseSid: normalizeSid(filter.enterpriseSid) } : {},
  filter.mappingSid ? { mappingSid: normalizeSid(filter.mappingSid) } : {},
  addressBeginning('phoneFolded', 'phone', filter.phone),
  lastMessageBetween(filter),
  filter.unanswered === true || order.field === 'UNANSWERED_SINCE' ? WAITING : {},
  filter.unanswered === false ? { unansweredSince: null } : {},
];

/** Before all messages: compared with NULL, no time is later. */
const WAITING = { unansweredSince: { gte: new Date(-62_135_596_800_000) } };

function lastMessageBetween({ lastMessageFrom, lastMessageTo }: ConversationFilter) {
  if (!lastMessageFrom && !lastMessageTo) return {};
  return { lastMessageDate: { gte: lastMessageFrom ?? undefined, lte: lastMessageTo ?? undefined } };
}
