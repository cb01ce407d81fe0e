import { z } from 'zod';
import type { Mapping, Message } from '../../../prisma/client/client.ts';
import type { Caller } from '../caller.ts';
import { refersToNothing } from '../constraints.ts';
import { requireActiveEnterprise } from '../enterprises/enterprise-state.ts';
import { findEnterprise } from '../enterprises/enterprises.ts';
import { findMapping } from '../enterprises/mappings.ts';
import { ConflictError, mappingNotFound, messageNotFound } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { lookup, mandatory, parseInput } from '../input.ts';
import { inTransaction, type Transaction } from '../transaction.ts';
import { laneToPhone, laneToTeams } from './lanes.ts';
import { acceptMessage, acceptMessageIn, type NewMessage, openLane } from './message-log.ts';
import { findMessage } from './messages.ts';

/** The longest text that is taken: ten segments of 160 characters. */
export const MAX_SMS_LENGTH = 1600;

const sendInput = z.object({
  mappingSid: mandatory(),
  to: mandatory().refine((to) => to === '' || isNumber(to), 'must be 3 to 18 digits with an optional leading +'),
  body: mandatory(MAX_SMS_LENGTH),
});
const retryInput = z.object({ sid: lookup() });

type Keyed = { idempotencyKey?: string | null };
export type SendMessageInput = z.input<typeof sendInput> & Keyed;
export type RetryMessageInput = z.input<typeof retryInput> & Keyed;

/** A phone number as the contract takes it: digits with an optional leading +, 3 to 18 of them. */
export const isNumber = (text: string) => /^\+?[0-9]{3,18}$/.test(text);

/**
 * Sends a text as a mapping's Teams user. It is accepted and enqueued in one transaction; its progress is in its events.
 * @throws InvalidInputError; NotFoundError MAPPING_NOT_FOUND; ConflictError ENTERPRISE_CLOSED, ENTERPRISE_INACTIVE
 */
export function sendMessage(gateway: Gateway, caller: Caller, input: SendMessageInput): Promise<Message> {
  // Without a key there is no answer to keep, and it is one statement.
  if (!input.idempotencyKey?.trim()) return send(gateway, caller, input, (message) => acceptMessage(gateway.sql, message, caller));
  return idempotently(gateway, caller, 'sendMessage', input, (remember) =>
    send(gateway, caller, input, (message) =>
      inTransaction(gateway.prisma, async (tx) => {
        const stored = await acceptMessageIn(tx, message);
        if (stored) await remember(tx, stored);
        return stored;
      }),
    ),
  );
}

async function send(
  gateway: Gateway,
  caller: Caller,
  input: SendMessageInput,
  accept: (message: NewMessage) => Promise<Message | undefined>,
) {
  const { mappingSid, to, body } = parseInput(sendInput, input);
  const mapping = await findMapping(gateway, caller, mappingSid);
  if (!mapping) throw mappingNotFound(mappingSid, ['mappingSid']);
  const enterprise = await findEnterprise(gateway, caller, mapping.enterpriseSid);
  if (!enterprise) throw mappingNotFound(mappingSid, ['mappingSid']);
  requireActiveEnterprise(enterprise);
  const stored = await accept(fromMapping(mapping, caller.accountSid, to, body)).catch((error) => {
    // Deleted since it was read.
    throw refersToNothing(error, 'message_mapping_sid_fkey') ? mappingNotFound(mappingSid, ['mappingSid']) : error;
  });
  if (!stored) throw new Error('a message without platform ids is always stored');
  gateway.hints.queued();
  gateway.hints.appended(stored.organizationSid);
  return stored;
}

/** A message from a mapping's Teams user to a number, for acceptMessage. */
export function fromMapping(mapping: Mapping, accountSid: string, to: string, body: string) {
  return {
    organizationSid: mapping.organizationSid,
    enterpriseSid: mapping.enterpriseSid,
    mappingSid: mapping.sid,
    accountSid,
    direction: 'INBOUND' as const,
    from: mapping.microsoftAddress,
    to,
    body,
    lane: laneToPhone(mapping.externalDigits, to),
  };
}

/**
 * Puts a stuck message at the end of its conversation's lane again.
 * @throws NotFoundError MESSAGE_NOT_FOUND; ConflictError MESSAGE_NOT_STUCK
 */
export function retryMessage(gateway: Gateway, caller: Caller, input: RetryMessageInput): Promise<Message> {
  return idempotently(gateway, caller, 'retryMessage', input, async (remember) => {
    const { sid = '' } = parseInput(retryInput, input);
    if (!(await findMessage(gateway, caller, sid))) throw messageNotFound(sid);
    const message = await inTransaction(gateway.prisma, async (tx) => {
      const { count } = await tx.message.updateMany({
        where: { sid, stuck: true },
        data: { stuck: false, channelErrorCode: null, channelErrorMessage: null },
      });
      if (count === 0) throw new ConflictError('MESSAGE_NOT_STUCK', 'Message is not stuck', { value: sid, path: ['sid'] });
      const freed = await tx.message.findUniqueOrThrow({ where: { sid }, include: { mapping: true } });
      const { mapping, ...message } = freed;
      await remember(tx, message);
      await enqueueAgain(tx, message, mapping);
      return message;
    });
    gateway.hints.queued();
    return message;
  });
}

/** The hand-over's last attempt may have arrived: it stays noted, so that the platform is asked first, or the repetition marked. */
async function enqueueAgain(tx: Transaction, message: Message, mapping: Mapping | null): Promise<void> {
  const { sid, organizationSid, enterpriseSid, direction, to } = message;
  const lane = direction === 'OUTBOUND' ? laneToTeams(enterpriseSid, to) : laneToPhone(mapping?.externalDigits ?? sid, to);
  await tx.outbox.create({ data: { messageSid: sid, lane, attemptStarted: message.dateUpdated } });
  await openLane(tx, lane, organizationSid);
}
