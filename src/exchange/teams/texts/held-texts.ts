import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import type { HeldText, PrismaClient } from '../../../../prisma/client/client.ts';
import { deleteExpired } from '../../../domain/delete-expired.ts';
import { publishFailedRecord } from '../../../domain/failed-records.ts';
import type { Gateway } from '../../../domain/gateway.ts';
import type { Transaction } from '../../../domain/transaction.ts';
import { inTransaction } from '../../../domain/transaction.ts';
import { forEachRecord } from '../../jobs/each-record.ts';
import { addNotice, type Place } from '../notices/notices.ts';
import { expired } from '../notices/sentences.ts';

// A text is held where it is not evident whom it is for: its writer is asked, and nothing is sent before they choose. A text without a number that
// comes meanwhile waits behind the question, and goes where it goes (docs/adr/0016).

/** One way to send a held text. */
export interface Choice {
  readonly number: string;
  readonly mappingSid: string;
  readonly body: string;
}

const choices = z.array(z.object({ number: z.string(), mappingSid: z.string(), body: z.string() }));

/** The choices that a question offers. */
export const choicesOf = (held: HeldText): Choice[] => choices.parse(held.choices);

/** How long a held text waits, in ms. */
const HOLD_MS = 24 * 60 * 60_000;
/** How many texts one run ends at most. */
const BATCH = 1000;
/** How long ended texts are kept against repeated activities and taps, in ms. */
const KEEP_MS = 7 * 24 * 60 * 60_000;

interface NewHeldText extends Place {
  readonly objectId: string;
  readonly activityId: string;
  /** The mapping that the text names, or the one used for a text without a number. */
  readonly mappingSid: string;
  readonly body: string;
  readonly choices: readonly Choice[];
  /** The sid of the question that it waits for. */
  readonly behind?: string;
}

/**
 * Holds a text.
 * @returns undefined if its activity is held already, or was
 */
export async function hold(tx: Transaction, { choices: offered, ...text }: NewHeldText): Promise<HeldText | undefined> {
  const [held] = await tx.heldText.createManyAndReturn({
    data: [
      {
        ...text,
        sid: `HT${randomBytes(16).toString('hex')}`,
        choices: JSON.parse(JSON.stringify(offered)),
        expires: new Date(Date.now() + HOLD_MS),
      },
    ],
    skipDuplicates: true,
  });
  return held;
}

/** The questions that wait for a user's choice, oldest first. */
export function openQuestions(
  tx: Transaction,
  { enterpriseSids, objectId }: { readonly enterpriseSids: readonly string[]; readonly objectId: string },
): Promise<HeldText[]> {
  const where = { enterpriseSid: { in: [...enterpriseSids] }, objectId, ended: null, behind: null };
  return tx.heldText.findMany({ where, orderBy: { seq: 'asc' } });
}

/**
 * Ends a question and what waits behind it.
 * @param sentTo the chosen number; undefined if nothing is sent
 * @returns the question's text and those behind it, in order; empty if it has ended already
 */
export async function endQuestion(tx: Transaction, sid: string, sentTo: string | undefined): Promise<HeldText[]> {
  const ended = { ended: new Date(), sentTo };
  const [question] = await tx.heldText.updateManyAndReturn({ where: { sid, ended: null }, data: ended });
  if (!question) return [];
  // One that was deleted has ended before.
  const behind = await tx.heldText.updateManyAndReturn({ where: { behind: sid, ended: null }, data: ended });
  return [question, ...behind.sort((one, other) => Number(one.seq - other.seq))];
}

/** Finds what is held of an activity, or was in the last days. */
export const findHeld = (
  client: PrismaClient | Transaction,
  enterpriseSids: readonly string[],
  conversationId: string,
  activityId: string,
): Promise<HeldText | null> =>
  client.heldText.findFirst({ where: { enterpriseSid: { in: [...enterpriseSids] }, conversationId, activityId } });

/** Whether a text is no longer held and was not sent. */
export const isUnsent = ({ ended, sentTo }: HeldText): boolean => ended !== null && sentTo === null;

/**
 * Ends the texts that waited for a day, and those behind them, tells their writers, and deletes what ended long ago. A text that cannot be ended is
 * logged, and the others go on.
 */
export async function expireHeldTexts(
  { prisma, hints, log }: Pick<Gateway, 'prisma' | 'hints' | 'log'>,
  signal?: AbortSignal,
): Promise<void> {
  const due = await prisma.heldText.findMany({
    where: { ended: null, expires: { lte: new Date() } },
    orderBy: { seq: 'asc' },
    take: BATCH,
  });
  const end = ({ sid }: HeldText) =>
    inTransaction(prisma, async (tx) => {
      for (const held of await endQuestion(tx, sid, undefined)) await addNotice(tx, held, expired(held.body), `expired:${held.sid}`);
    });
  await forEachRecord(due, end, ({ sid }, error) => {
    publishFailedRecord('expire-held-texts');
    log.error({ err: error, heldText: sid }, 'cannot end a held text');
  });
  if (due.length > 0) hints.queued();
  await deleteExpired(prisma, { table: 'held_text', column: 'ended' }, new Date(Date.now() - KEEP_MS), signal);
}
