import type { ChannelStatus } from '../../../prisma/client/client.ts';

/**
 * The order of delivery statuses. `rank` is stored with the message; a reported status is taken while the message's rank is below `entersBelow`. So
 * repeated and late reports never move a message back, the first of DELIVERED, UNDELIVERED and FAILED wins, READ may follow DELIVERED, and nothing
 * follows a failure. A message starts QUEUED, or RECEIVED where it came from outside.
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

/** The value of message.status_rank for this status. */
export const statusRank = (status: ChannelStatus): number => positions[status].rank;

/** The message.status_rank below which a report of this status is taken. Otherwise the report is late, repeated or in conflict. */
export const entersBelow = (status: ChannelStatus): number => positions[status].entersBelow;
