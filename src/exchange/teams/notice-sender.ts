import * as z from 'zod';
import type { Notice, PrismaClient } from '../../../prisma/client/client.ts';
import { credentialsOf } from '../../domain/bots/bots.ts';
import { deleteExpired } from '../../domain/delete-expired.ts';
import type { Gateway } from '../../domain/gateway.ts';
import { DeliveryError, NotYetError, StaleConversationError } from '../../platforms/delivery-error.ts';
import type { OutgoingActivity } from '../../platforms/microsoft/microsoft.ts';
import { nextPause } from '../backoff.ts';
import { type ClaimLoop, startClaimLoop } from '../claim-loop.ts';
import { LEASE_MS } from '../outbox/outbox.ts';
import { reopenChat } from './chats/reopen-chat.ts';
import { failureActivity } from './notices/cards.ts';
import { failureText, hasFailed } from './notices/failure-words.ts';
import { canRetry } from './retry-from-teams.ts';

interface NoticeSenderOptions {
  /** How often to check without being woken, in ms. */
  readonly pollMs?: number;
  /** See RetryPolicy. */
  readonly firstPauseMs?: number;
}

/** How many notices to send at once. */
const CONCURRENCY = 8;
/** How long a notice may wait for Teams' limits while it keeps a place, in ms. */
const MAX_WAIT_MS = 1000;
/** How long sending is retried, and for how long a said notice is kept, so that it is not said again, in ms. */
const RETRY_MS = 24 * 60 * 60_000;
const KEEP_MS = 7 * 24 * 60 * 60_000;
/** The minimum interval between two checks that find nothing, in ms: every accepted message wakes the sender. */
const MIN_INTERVAL_MS = 50;

const activitySchema: z.ZodType<OutgoingActivity> = z.object({
  text: z.string(),
  summary: z.string().optional(),
  attachments: z.array(z.object({ contentType: z.string(), content: z.unknown() })).optional(),
});

/** Starts sending notices, each conversation's in order. Several instances share them. */
export function startNoticeSender(gateway: Gateway, { pollMs = 1000, firstPauseMs = 500 }: NoticeSenderOptions = {}): ClaimLoop {
  return startClaimLoop<Notice>({
    log: gateway.log,
    source: 'the notices',
    concurrency: CONCURRENCY,
    pollMs,
    minIntervalMs: MIN_INTERVAL_MS,
    claim: (free) => claimNotices(gateway, free),
    renew: (inProgress) => renewClaims(gateway, inProgress),
    work: async (notice) => {
      await say(gateway, notice, firstPauseMs);
      return 0;
    },
    logged: ({ seq }) => ({ notice: String(seq) }),
  });
}

/** Claims notices that are due, the first of each conversation. A claim ends by itself unless it is renewed. */
async function claimNotices({ prisma }: Gateway, limit: number): Promise<Notice[]> {
  const rows = await prisma.$queryRaw<{ seq: bigint }[]>`
    UPDATE notice SET due = now() + ${LEASE_MS} * interval '1 millisecond', attempts = attempts + 1
    WHERE seq IN (
      SELECT seq FROM notice n WHERE ended IS NULL AND due <= now() AND NOT EXISTS (
        SELECT 1 FROM notice e WHERE e.conversation_id = n.conversation_id AND e.ended IS NULL AND e.seq < n.seq)
      ORDER BY due LIMIT ${limit} FOR UPDATE SKIP LOCKED)
    RETURNING seq`;
  return rows.length === 0 ? [] : prisma.notice.findMany({ where: { seq: { in: rows.map(({ seq }) => seq) } } });
}

async function renewClaims({ prisma }: Gateway, notices: readonly Notice[]): Promise<void> {
  await prisma.$executeRaw`
    UPDATE notice SET due = now() + ${LEASE_MS} * interval '1 millisecond'
    WHERE seq = ANY (${notices.map(({ seq }) => seq)}::bigint[]) AND ended IS NULL AND due > now()`;
}

async function say(gateway: Gateway, notice: Notice, firstPauseMs: number): Promise<void> {
  const { prisma, microsoft, log } = gateway;
  const bot = await prisma.bot.findUnique({ where: { enterpriseSid: notice.enterpriseSid } });
  const activity = await activityOf(gateway, notice);
  if (!bot || !activity) return end(gateway, notice);
  const conversation = { conversationId: notice.conversationId, serviceUrl: notice.serviceUrl };
  try {
    const credentials = credentialsOf(gateway, bot);
    await microsoft.sendActivity(credentials, conversation, activity, { maxWaitMs: MAX_WAIT_MS }).catch(async (error) => {
      if (!(error instanceof StaleConversationError) || !(await reopenChat(gateway, bot, notice, error.serviceUrl))) throw error;
      throw error.otherwise;
    });
  } catch (error) {
    const change = afterFailure(notice, error, firstPauseMs);
    const logged = { ...causeOf(error), enterpriseSid: notice.enterpriseSid };
    if (!change) {
      log.warn(logged, 'a notice to a Teams user was dropped');
      return end(gateway, notice);
    }
    log.info({ ...logged, due: change.due }, 'cannot send a notice to a Teams user; retrying later');
    await prisma.notice.updateMany({ where: { seq: notice.seq }, data: change });
    return;
  }
  await end(gateway, notice);
}

/** When and where to try again. @returns undefined if that cannot help, or has been tried for a day */
function afterFailure(
  { attempts, dateCreated }: Notice,
  error: unknown,
  firstPauseMs: number,
): { due: Date; attempts?: number; serviceUrl?: string } | undefined {
  const inMs = (pauseMs: number) => new Date(Date.now() + pauseMs);
  // It was not sent, so this was no attempt.
  if (error instanceof NotYetError) return { due: inMs(error.waitMs), attempts: attempts - 1 };
  if (Date.now() - dateCreated.getTime() > RETRY_MS) return undefined;
  if (error instanceof StaleConversationError && error.serviceUrl === undefined) return undefined;
  if (error instanceof StaleConversationError) return { due: inMs(0), serviceUrl: error.serviceUrl };
  if (error instanceof DeliveryError && error.outcome === 'refused') return undefined;
  return { due: inMs(nextPause({ firstPauseMs }, attempts, error instanceof DeliveryError ? error.retryAfterMs : undefined)) };
}

/** What a notice says now. @returns undefined if there is nothing to say any more */
async function activityOf({ prisma }: Gateway, notice: Notice): Promise<OutgoingActivity | undefined> {
  const { seq, conversationId, activity, messageSid } = notice;
  if (messageSid === null) return activitySchema.safeParse(activity).data;
  // Each tells how the message is by then: a later one of the same message would tell the same.
  if (await prisma.notice.findFirst({ where: { conversationId, messageSid, ended: null, seq: { gt: seq } } })) return undefined;
  const message = await prisma.message.findUnique({ where: { sid: messageSid } });
  if (!message || !hasFailed(message)) return undefined;
  return failureActivity({ sid: message.sid, text: failureText(message), canRetry: canRetry(message) });
}

/** For the log. A platform's own words may contain what it was sent. */
const causeOf = (error: unknown) => (error instanceof DeliveryError ? { code: error.code, outcome: error.outcome } : { err: error });

async function end({ prisma }: Gateway, { seq }: Notice): Promise<void> {
  await prisma.notice.updateMany({ where: { seq }, data: { ended: new Date() } });
}

/** Deletes the notices that were said long ago. */
export function purgeNotices(prisma: PrismaClient, signal?: AbortSignal): Promise<number> {
  return deleteExpired(prisma, { table: 'notice', column: 'ended' }, new Date(Date.now() - KEEP_MS), signal);
}
