import type { HeldText, Mapping } from '../../../../prisma/client/client.ts';
import type { Transaction } from '../../../domain/transaction.ts';
import { addNotice, type Place } from '../notices/notices.ts';
import { ALREADY_ENDED, ALREADY_SENT, NOT_YOURS, repliedTo } from '../notices/sentences.ts';
import { endQuestion } from './held-texts.ts';
import { problemWith, sendFromTeams } from './send-from-teams.ts';
import type { Sender } from './senders.ts';

interface HeldAnswer {
  readonly place: Place;
  readonly sender: Sender;
  readonly questionSid: string;
  /** The number that the user chose, as of `partnerNumber`. */
  readonly number: string;
  /** The mapping to send by; the one that the text was held with if undefined. */
  readonly mapping?: Mapping;
  /** What of the text to send; all of it if undefined. */
  readonly body?: string;
}

/**
 * Sends a held text, and those behind it, to the number that its writer chose; once.
 * @returns what to say to the user
 */
export async function answerQuestion(tx: Transaction, answer: HeldAnswer): Promise<string> {
  const { place, sender, questionSid, number } = answer;
  const question = await tx.heldText.findUnique({ where: { sid: questionSid } });
  if (!question || !isOf(sender, question)) return ALREADY_ENDED;
  if (question.ended) return question.sentTo ? ALREADY_SENT : ALREADY_ENDED;
  const mapping = answer.mapping ?? sender.mappings.find(({ sid }) => sid === question.mappingSid);
  if (!mapping) return NOT_YOURS;
  const problem = problemWith(sender, { number, body: answer.body ?? question.body });
  if (problem) return problem;
  const texts = (await endQuestion(tx, questionSid, number)).map((held) => bodyOf(held, answer));
  for (const { body, activityId } of texts)
    await sendFromTeams(tx, { place, objectId: sender.objectId, activityId, mapping, number, body });
  return repliedTo(number, texts.map(({ body }) => body).join('\n'));
}

/** Whether a held text is the user's. */
export const isOf = ({ enterpriseSids, objectId }: Sender, held: HeldText): boolean =>
  held.objectId === objectId && enterpriseSids.includes(held.enterpriseSid);

const bodyOf = ({ sid, body, activityId }: HeldText, answer: HeldAnswer) => ({
  activityId,
  body: sid === answer.questionSid ? (answer.body ?? body) : body,
});

/** Answers a question by a text, and says what became of it in the chat. @param dedupeKey said once by this key */
export async function sendHeld(tx: Transaction, { dedupeKey, ...answer }: HeldAnswer & { readonly dedupeKey: string }): Promise<void> {
  const said = await answerQuestion(tx, answer);
  await addNotice(tx, answer.place, said, dedupeKey);
}
