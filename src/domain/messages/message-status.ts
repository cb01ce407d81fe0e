import type { ChannelStatus } from '../../../prisma/client/client.ts';

/**
 * How far a message has come. `rank` is kept with the message; a report of a status takes effect while the message's rank is below
 * `entersBelow`. So repeated and late reports never move a message back, of the terminal DELIVERED, UNDELIVERED and FAILED the first
 * wins, READ may follow DELIVERED, and nothing follows a failure. A message begins QUEUED, or RECEIVED where it came from outside.
 */
const positions: Record<ChannelStatus, { rank: number; entersBelow: number }> = {
  QUEUED: { rank: 0, entersBelow: 0 },
  RECEIVED: { rank: 0, entersBelow: 0 },
  SENDING: { rank: 1, entersBelow: 1 },
  SENT: { rank: 2, entersBelow: 2 },
  DELIVERED: { rank: 3, entersBelow: 3 },
  UNDELIVERED: { rank: 4, entersBelow: 3 },
  FAILED: { rank: 4, entersBelow: 3 },
  READ: { rank: 4, entersBelow: 4 },
};

/** What message.status_rank holds for a message of this status. */
export const statusRank = (status: ChannelStatus): number => positions[status].rank;

/** A report of this status is taken where message.status_rank is below it, and is otherwise late, repeated or in conflict. */
export const entersBelow = (status: ChannelStatus): number => positions[status].entersBelow;
