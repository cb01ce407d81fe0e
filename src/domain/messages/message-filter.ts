import type { ChannelStatus, MessageDirection, MessageType } from '../../../prisma/client/client.ts';
import { invalidParameter } from '../input.ts';
import { containingInAnyCase, storable, type TimeRanges, timesBetween } from '../lists/filters.ts';
import { addressBeginning } from '../lists/number-filters.ts';
import { normalizeSid } from '../values/sid.ts';
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

/** The conditions that a filter stands for. */
export const conditions = (filter: MessageFilter) => [
  filter.enterpriseSid ? { enterpriseSid: normalizeSid(filter.enterpriseSid) } : {},
  filter.mappingSid ? { mappingSid: normalizeSid(filter.mappingSid) } : {},
  filter.conversationSid ? { conversationSid: normalizeSid(filter.conversationSid) } : {},
  filter.type ? { type: filter.type } : {},
  filter.direction ? { direction: filter.direction } : {},
  addressBeginning('fromFolded', 'from', filter.from),
  addressBeginning('toFolded', 'to', filter.to),
  containingInAnyCase('body', atLeastThree('body', filter.body)),
  filter.statuses ? withStatusAmong(filter.statuses) : {},
  containingInAnyCase('channelErrorCode', filter.channelErrorCode),
  containingInAnyCase('channelErrorMessage', filter.channelErrorMessage),
  restcommSid(filter.restcommMessageSid),
  filter.stuck == null ? {} : { stuck: filter.stuck },
  timesBetween(filter),
];

/** The condition that the platform gave the message this sid. */
function restcommSid(text: string | null | undefined) {
  const sid = storable('restcommMessageSid', text);
  return sid === undefined ? {} : { restcommMessageSid: sid };
}

/** @throws InvalidInputError INVALID_PARAMETER for a text of fewer than three characters, which most messages contain */
function atLeastThree(parameter: string, text: string | null | undefined): string | null | undefined {
  const given = text?.trim();
  if (given && given.length < 3) throw invalidParameter([parameter], 'must have at least three characters', given);
  return text;
}
