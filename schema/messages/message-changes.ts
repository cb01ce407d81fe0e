import type { Message } from '../../prisma/client/client.ts';
import { messageEdge } from '../../src/domain/messages/messages.ts';
import { MAX_RETRIED, type Retried, retryMessage, retryMessages } from '../../src/domain/messages/retry-messages.ts';
import { sendMessage } from '../../src/domain/messages/send-message.ts';
import { builder } from '../builder.ts';
import { resultUnion } from '../errors.ts';
import { idempotencyKey } from '../lists.ts';
import { MessageEdge, MessageFilterInput, MessageRef } from './message.ts';

const SendMessageInput = builder.inputType('SendMessageInput', {
  description: 'An SMS to send for a Teams user.',
  fields: (t) => ({
    mappingSid: t.id({
      required: true,
      description: 'The sid of the mapping whose Teams user is the sender and whose phone number is used.',
    }),
    to: t.string({
      required: true,
      description:
        "The phone number of the recipient: 3 to 18 digits with an optional leading `+`, or an international number in any other form, e.g. `+1 (571) 210-1234`. A national number is one of the region of the mapping's number.",
    }),
    body: t.string({
      required: true,
      description: 'The text: 1 to 999 characters, or fewer if the operator limits its segments (`SmsTooLongError`).',
    }),
    ...idempotencyKey(t),
  }),
});

const RetryMessageInput = builder.inputType('RetryMessageInput', {
  description: 'A stuck or `FAILED` message to retry.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'The sid of the message: `MS` followed by 32 hex digits.' }),
    ...idempotencyKey(t),
  }),
});

const RetryMessagesInput = builder.inputType('RetryMessagesInput', {
  description: 'The stuck and `FAILED` messages to retry.',
  fields: (t) => ({
    filter: t.field({ type: MessageFilterInput, description: 'Retries only messages that match this filter. Defaults to all.' }),
    ...idempotencyKey(t),
  }),
});

const RetryMessagesSuccessRef = builder.objectRef<Retried>('RetryMessagesSuccess').implement({
  description: 'The success of `retryMessages`.',
  fields: (t) => ({
    count: t.exposeInt('count', { description: 'The number of messages that are retried.' }),
    hasMore: t.exposeBoolean('hasMore', { description: 'Whether there are more messages that match and can be retried.' }),
  }),
});

// Not `message`, which `Error` has as a text: one name in a result cannot be an object and a text.
const SendMessageSuccessRef = builder.objectRef<{ sentMessage: Message }>('SendMessageSuccess').implement({
  description: 'The success of `sendMessage`.',
  fields: (t) => ({
    sentMessage: t.expose('sentMessage', { type: MessageRef, description: 'The accepted message.' }),
    sentMessageEdge: t.field({
      type: MessageEdge,
      description: 'The message with its cursor in the default order of lists, for caches that add it to one.',
      resolve: ({ sentMessage }) => messageEdge(sentMessage),
    }),
  }),
});

const RetryMessageSuccessRef = builder.objectRef<{ retriedMessage: Message }>('RetryMessageSuccess').implement({
  description: 'The success of `retryMessage`.',
  fields: (t) => ({
    retriedMessage: t.expose('retriedMessage', { type: MessageRef, description: 'The retried message.' }),
  }),
});

builder.mutationFields((t) => ({
  sendMessage: t.field({
    type: SendMessageSuccessRef,
    nullable: true,
    description:
      'Sends an SMS for a Teams user. Returns the message as `QUEUED`; follow its delivery with `Subscription.messageStatus` or the event log.',
    errors: resultUnion('SendMessageResult', 'accepted message', [
      'SMS_TOO_LONG',
      'MAPPING_NOT_FOUND',
      'ENTERPRISE_CLOSED',
      'ENTERPRISE_INACTIVE',
    ]),
    args: { input: t.arg({ type: SendMessageInput, required: true, description: 'The SMS to send.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ sentMessage: await sendMessage(gateway, caller, input) }),
  }),
  retryMessage: t.field({
    type: RetryMessageSuccessRef,
    nullable: true,
    description:
      'Retries a message. One that waits with its conversation is tried again at once, in order, and stays stuck until a message of the conversation is delivered. One that was set aside, or is `FAILED` for a reason that may have passed, is queued again behind the other messages of its conversation, without its error: a `FAILED` one becomes `QUEUED`, with an event in the log.',
    errors: resultUnion('RetryMessageResult', 'retried message', ['MESSAGE_NOT_FOUND', 'MESSAGE_NOT_STUCK']),
    args: { input: t.arg({ type: RetryMessageInput, required: true, description: 'The message to retry.' }) },
    resolve: async (_root, { input }, { gateway, caller }) => ({ retriedMessage: await retryMessage(gateway, caller, input) }),
  }),
  retryMessages: t.field({
    type: RetryMessagesSuccessRef,
    nullable: true,
    description: `Retries the messages that match a filter and can be retried, as \`retryMessage\` does, oldest first, e.g. those of a whole outage. One call retries at most ${MAX_RETRIED}; repeat it, with another idempotency key, while \`hasMore\` is true. Messages that cannot be retried are left as they are. Each retried message is recorded in the audit log.`,
    errors: resultUnion('RetryMessagesResult', 'number of retried messages', []),
    args: { input: t.arg({ type: RetryMessagesInput, required: true, description: 'The messages to retry.' }) },
    resolve: (_root, { input }, { gateway, caller }) => retryMessages(gateway, caller, input),
  }),
}));
