import * as z from 'zod';
import type { Mapping, Message } from '../../../prisma/client/client.ts';
import type { Caller } from '../caller.ts';
import { violatesForeignKey } from '../constraints.ts';
import { requireActiveEnterprise } from '../enterprises/enterprise-state.ts';
import { mappingNotFound, SmsTooLongError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { type Keyed, mandatory, NOT_A_PHONE_NUMBER, parseInput } from '../input.ts';
import type { EventWithMessage } from '../logged-event.ts';
import { inTransaction } from '../transaction.ts';
import { toE164 } from '../values/phone-numbers.ts';
import { phoneOf } from '../values/phones.ts';
import { laneToPhone } from './lanes.ts';
import { acceptMessage, acceptMessageIn, type NewMessage } from './message-log.ts';
import { findSendingMapping } from './sending-mapping.ts';
import { smsExcess } from './sms-encoding.ts';

const sendInput = z.object({
  mappingSid: mandatory(),
  to: mandatory().refine((to) => to === '' || canBeDialled(to), NOT_A_PHONE_NUMBER),
  // How long an SMS may be, the carrier decides.
  body: mandatory(10_000),
});

/** Whether the text is a number in the form that SMS are addressed to, or a full international one in any spelling, as messages may have it in `from`. */
const canBeDialled = (text: string) => /^\+?[0-9]{3,18}$/.test(text) || toE164(text) !== undefined;

type SendMessageInput = z.input<typeof sendInput> & Keyed;

/**
 * Sends a text as a mapping's Teams user: stores and enqueues it in one transaction. Its events report the delivery.
 * @throws InvalidInputError; SmsTooLongError; NotFoundError MAPPING_NOT_FOUND (480); ConflictError ENTERPRISE_CLOSED (4053), ENTERPRISE_INACTIVE
 */
export function sendMessage(gateway: Gateway, caller: Caller, input: SendMessageInput): Promise<Message> {
  // Without a key there is no result to store, and one statement does it all, together with other senders' messages.
  if (!input.idempotencyKey?.trim())
    return send(gateway, caller, input, (message, appended) => acceptMessage(gateway.sql, message, caller, appended));
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
  accept: (message: NewMessage, appended: (event: EventWithMessage) => void) => Promise<Message | undefined>,
) {
  const { mappingSid, to, body } = parseInput(sendInput, input);
  const excess = smsExcess(body, gateway.restcomm.maxSms);
  if (excess) throw new SmsTooLongError(`Parameter body is invalid: ${excess.message}`, ['body'], excess.size, gateway.restcomm.maxSms);
  const mapping = await findSendingMapping(gateway, caller, mappingSid);
  if (!mapping) throw mappingNotFound(mappingSid, ['mappingSid']);
  requireActiveEnterprise({ sid: mapping.enterpriseSid, status: mapping.enterpriseStatus });
  let event: EventWithMessage | undefined;
  const appended = (committed: EventWithMessage) => {
    event = committed;
  };
  const stored = await accept(fromMapping(mapping, caller.accountSid, to, body), appended).catch((error) => {
    // The mapping was deleted since it was read.
    throw violatesForeignKey(error, 'message_mapping_sid_fkey') ? mappingNotFound(mappingSid, ['mappingSid']) : error;
  });
  if (!stored) throw new Error('a message without platform ids is always stored');
  gateway.hints.appended(stored.organizationSid, event);
  gateway.hints.queued('carrier');
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
