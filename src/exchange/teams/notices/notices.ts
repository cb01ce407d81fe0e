import type { PrismaClient } from '../../../../prisma/client/client.ts';
import type { Transaction } from '../../../domain/transaction.ts';
import type { OutgoingActivity } from '../../../platforms/microsoft/microsoft.ts';

// A notice is what the bot says by itself: answers, questions, and how an SMS failed. It is stored with what it is about, sent after the webhook was
// acknowledged (notice-sender.ts), and never delays a message.

/** Where a notice is said, and by whose bot. */
export interface Place {
  readonly organizationSid: string;
  readonly enterpriseSid: string;
  readonly conversationId: string;
  readonly serviceUrl: string;
}

/**
 * Stores what the bot is to say. Wake the sender after the commit (`hints.queued`).
 * @param dedupeKey said once by this key
 */
export async function addNotice(
  client: PrismaClient | Transaction,
  { organizationSid, enterpriseSid, conversationId, serviceUrl }: Place,
  activity: string | OutgoingActivity,
  dedupeKey?: string,
): Promise<void> {
  const said = typeof activity === 'string' ? { text: activity } : activity;
  await client.notice.createMany({
    data: [{ organizationSid, enterpriseSid, conversationId, serviceUrl, activity: JSON.parse(JSON.stringify(said)), dedupeKey }],
    skipDuplicates: true,
  });
}

/** The dedupe key of what is said about an activity. */
export const noticeKey = (what: string, { conversationId }: Place, activityId: string): string => `${what}:${conversationId}:${activityId}`;
