import type { ChannelStatus } from '../../../prisma/client/enums.ts';

// No index has channel_status, so that a status step changes no index (docs/adr/0018). What few messages have at a time is found by what triggers keep.

/** The statuses that listed_status holds. */
const LISTED: ReadonlySet<ChannelStatus> = new Set(['QUEUED', 'UNDELIVERED', 'FAILED', 'READ', 'RECEIVED']);
/** The statuses whose messages have a row in awaited_report. */
const AWAITED: ReadonlySet<ChannelStatus> = new Set(['SENDING', 'SENT']);

/** The condition that a message has a row in awaited_report. */
const isAwaited = { table: 'awaited_report', of: 'message', by: { organizationSid: 'organizationSid', messageSid: 'sid' } } as const;

/** The condition that a message has one of these statuses, so that an index leads to the rare ones. Most messages are DELIVERED. */
export function withStatusAmong(statuses: readonly ChannelStatus[]): object {
  const isAmong = { channelStatus: { in: [...statuses] } };
  if (statuses.length === 0) return isAmong;
  if (statuses.every((status) => AWAITED.has(status))) return { ...isAmong, EXISTS: isAwaited };
  if (!statuses.every((status) => LISTED.has(status))) return isAmong;
  // One value keeps the order of the index.
  return { listedStatus: statuses.length === 1 ? statuses[0] : { in: [...statuses] } };
}
