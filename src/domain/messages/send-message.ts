import { z } from 'zod';
import type { Mapping, Message } from '../../../prisma/client/client.ts';
import type { Caller } from '../caller.ts';
import { violatesForeignKey } from '../constraints.ts';
import { requireActiveEnterprise } from '../enterprises/enterprise-state.ts';
import { findEnterprise } from '../enterprises/enterprises.ts';
import { findMapping } from '../enterprises/mappings.ts';
import { ConflictError, mappingNotFound, messageNotFound, SmsTooLongError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { type Keyed, lookup, mandatory, NOT_A_PHONE_NUMBER, parseInput } from '../input.ts';
import { toE164 } from '../phone-numbers.ts';
import { phoneOf } from '../phones.ts';
import { inTransaction, type Transaction } from '../transaction.ts';
import { laneToPhone, laneToTeams } from './lanes.ts';
import { acceptMessage, acceptMessageIn, type NewMessage, openLane } from './message-log.ts';
import { findMessage } from './messages.ts';
import { smsExcess } from './sms-encoding.ts';

const sendInput = z.object({
  mappingSid: mandatory(),
  to: mandatory().refine((to) => to === '' || canBeDialled(to), NOT_A_PHONE_NUMBER),
  // How long an SMS may be, the carrier decides.
  body: mandatory(10_000),
});
const retryInput = z.object({ sid: lookup() });

/** Whether the text is a number in the form that SMS are addressed to, or a full international one in any spelling, as messages may have it in `from`. */
const canBeDialled = (text: string) => /^\+?[0-9]{3,18}$/.test(text) || toE164(text) !== undefined;

type SendMessageInput = z.input<typeof sendInput> & Keyed;
type RetryMessageInput = z.input<typeof retryInput> & Keyed;

/**
 * Sends a text as a mapping's Teams user: stores and enqueues it in one transaction. Its events report the delivery.
 * @throws InvalidInputError; SmsTooLongError; NotFoundError MAPPING_NOT_FOUND (480); ConflictError ENTERPRISE_CLOSED (4053), ENTERPRISE_INACTIVE
 */
export function sendMessage(gateway: Gateway, caller: Caller, input: SendMessageInput): Promise<Message> {
  // Without a key there is no result to store, and one statement does it all, together with other senders' messages.
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
  const excess = smsExcess(body, gateway.restcomm.maxSms);
  if (excess) throw new SmsTooLongError(`Parameter body is invalid: ${excess.message}`, ['body'], excess.size, gateway.restcomm.maxSms);
  const mapping = await findMapping(gateway, caller, mappingSid);
  if (!mapping) throw mappingNotFound(mappingSid, ['mappingSid']);
  const enterprise = await findEnterprise(gateway, caller, mapping.enterpriseSid);
  if (!enterprise) throw mappingNotFound(mappingSid, ['mappingSid']);
  requireActiveEnterprise(enterprise);
  const stored = await accept(fromMapping(mapping, caller.accountSid, to, body)).catch((error) => {
    // The mapping was deleted since it was read.
    throw violatesForeignKey(error, 'message_mapping_sid_fkey') ? mappingNotFound(mappingSid, ['mappingSid']) : error;
  });
  if (!stored) throw new Error('a message without platform ids is always stored');
  gateway.hints.queued();
  gateway.hints.appended(stored.organizationSid);
  return stored;
}

/** Makes a message from a mapping's Teams user to a phone number, for acceptMessage. */
export function fromMapping(mapping: Mapping, accountSid: string, to: string, body: string) {
  const { compared: phone } = phoneOf(to, mapping.externalAddress);
  return {
    organizationSid: mapping.organizationSid,
    enterpriseSid: mapping.enterpriseSid,
    mappingSid: mapping.sid,
    accountSid,
    direction: 'INBOUND' as const,
    from: mapping.microsoftAddress,
    to,
    phone,
    body,
    lane: laneToPhone(mapping.externalDigits, phone),
  };
}

/**
 * Enqueues a stuck message again, at the end of its conversation's lane.
 * @throws NotFoundError MESSAGE_NOT_FOUND (481); ConflictError MESSAGE_NOT_STUCK
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
      const { mapping, ...message } = await tx.message.findUniqueOrThrow({ where: { sid }, include: { mapping: true } });
      await remember(tx, message);
      await enqueueAgain(tx, message, mapping);
      return message;
    });
    gateway.hints.queued();
    return message;
  });
}

/**
 * Puts a message into the outbox again. Its last attempt may have reached the platform, so it is recorded as started: the exchange then asks the platform
 * first, or marks the message as possibly duplicated.
 */
async function enqueueAgain(tx: Transaction, message: Message, mapping: Mapping | null): Promise<void> {
  const { sid, organizationSid, enterpriseSid, direction, to, toFolded } = message;
  const lane = direction === 'OUTBOUND' ? laneToTeams(enterpriseSid, to) : laneToPhone(mapping?.externalDigits ?? sid, toFolded);
  await tx.outbox.create({ data: { messageSid: sid, lane, attemptStarted: message.dateUpdated } });
  await openLane(tx, lane, organizationSid);
}
