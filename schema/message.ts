import { ChannelStatus, MessageDirection, MessageEncoding, MessageType } from '../prisma/client/enums.ts';
import { belonging } from '../src/domain/confinement.ts';
import { findMessage, listMessages, listMessagesOf } from '../src/domain/messages/messages.ts';
import { retryMessage, sendMessage } from '../src/domain/messages/send-message.ts';
import { required } from './account.ts';
import { builder } from './builder.ts';
import { batchKey, needs, packable, shown } from './columns.ts';
import { EnterpriseRef } from './enterprise.ts';
import { resultUnion } from './errors.ts';
import { createdRange, idempotencyKey, OrderDirectionEnum, offset } from './lists.ts';
import { MappingRef } from './mapping.ts';

export const MessageDirectionEnum = builder.enumType('MessageDirection', {
  description: 'The direction as the REST contract has it, seen from the exchange.',
  values: {
    [MessageDirection.INBOUND]: { description: 'From a Teams user to a phone number.' },
    [MessageDirection.OUTBOUND]: { description: 'From a phone number to a Teams user.' },
  } as const,
});

const MessageRouteEnum = builder.enumType('MessageRoute', {
  description: "A message's direction in words that can't be misread.",
  values: {
    TEAMS_TO_SMS: { description: 'INBOUND.' },
    SMS_TO_TEAMS: { description: 'OUTBOUND.' },
  } as const,
});

const MessageTypeEnum = builder.enumType('MessageType', {
  description: 'The type of a message.',
  values: {
    [MessageType.SMS]: { description: 'Text.' },
    [MessageType.MMS]: { description: 'Text with media.' },
  } as const,
});

const MessageEncodingEnum = builder.enumType('MessageEncoding', {
  description: 'How the carrier encodes the text.',
  values: {
    [MessageEncoding.GSM_7]: { description: 'GSM 03.38: 160 characters, or 153 in each of several segments.' },
    [MessageEncoding.UCS_2]: { description: 'UCS-2: 70 characters, or 67 in each of several segments.' },
  } as const,
});

export const ChannelStatusEnum = builder.enumType('ChannelStatus', {
  description: 'How far a message has come.',
  values: {
    [ChannelStatus.QUEUED]: { description: 'Accepted; waits to be sent.' },
    [ChannelStatus.SENDING]: { description: 'Being handed over.' },
    [ChannelStatus.SENT]: { description: 'Handed over.' },
    [ChannelStatus.DELIVERED]: { description: 'Arrived.' },
    [ChannelStatus.UNDELIVERED]: { description: 'Handed over, but did not arrive.' },
    [ChannelStatus.FAILED]: { description: 'Could not be handed over.' },
    [ChannelStatus.READ]: { description: 'Arrived and was read.' },
    [ChannelStatus.RECEIVED]: { description: 'Came in.' },
  } as const,
});

export const MessageRef = builder.prismaNode('Message', {
  description: 'An SMS or MMS between a phone number and a Teams user.',
  id: { field: 'sid' },
  findUnique: (sid, { caller }) => ({ sid, ...belonging(caller) }),
  nullable: true,
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'MS and 32 hex digits.' }),
    direction: t.expose('direction', { type: MessageDirectionEnum, description: 'INBOUND from a Teams user, OUTBOUND to one.' }),
    route: t.field({
      type: MessageRouteEnum,
      description: 'The same as direction, in words.',
      extensions: needs('direction'),
      resolve: (message) => (message.direction === 'INBOUND' ? ('TEAMS_TO_SMS' as const) : ('SMS_TO_TEAMS' as const)),
    }),
    type: t.expose('type', { type: MessageTypeEnum, description: 'SMS or MMS.' }),
    from: t.exposeString('from', { description: 'The number or Microsoft address that it is from.' }),
    to: t.exposeString('to', { description: 'The number or Microsoft address that it is to.' }),
    body: t.exposeString('body', { description: 'The text.' }),
    mediaUrls: t.exposeStringList('mediaUrls', { description: "Where an MMS's media are." }),
    segments: t.exposeInt('segments', { description: 'How many segments the carrier makes of the text.' }),
    encoding: t.expose('encoding', { type: MessageEncodingEnum, description: 'How the carrier encodes the text.' }),
    channelStatus: t.expose('channelStatus', { type: ChannelStatusEnum, description: 'How far it has come.' }),
    channelErrorCode: t.exposeString('channelErrorCode', { nullable: true, description: "The channel's error code, where it failed." }),
    channelErrorMessage: t.exposeString('channelErrorMessage', {
      nullable: true,
      description: "The channel's error message, where it failed.",
    }),
    restcommMessageSid: t.exposeString('restcommMessageSid', {
      nullable: true,
      description: "The message's sid on the Restcomm platform.",
    }),
    possiblyDuplicated: t.exposeBoolean('possiblyDuplicated', {
      description: 'It was sent again after an attempt whose outcome nobody knows: the recipient may have it twice.',
    }),
    stuck: t.exposeBoolean('stuck', { description: 'Retries are used up; it waits for retryMessage.' }),
    accountSid: t.exposeID('accountSid', { description: 'The account under which it passed.' }),
    dateCreated: t.expose('dateCreated', { type: 'DateTime', description: 'When it was accepted.' }),
    dateUpdated: t.expose('dateUpdated', { type: 'DateTime', description: 'When its status last changed.' }),
    enterpriseSid: t.exposeID('enterpriseSid', { description: 'The enterprise that it belongs to.' }),
    enterprise: t.field({
      type: EnterpriseRef,
      description: 'The enterprise that it belongs to.',
      extensions: needs('enterpriseSid'),
      resolve: async (message, _args, { loaders }) => required(await loaders.enterprise.load(message.enterpriseSid)),
    }),
    mappingSid: t.exposeID('mappingSid', { nullable: true, description: 'The mapping that it passed by; null once that is deleted.' }),
    mapping: t.field({
      type: MappingRef,
      nullable: true,
      description: 'The mapping that it passed by; null once that is deleted.',
      extensions: needs('mappingSid'),
      resolve: (message, _args, { loaders }) => (message.mappingSid ? loaders.mapping.load(message.mappingSid) : null),
    }),
  }),
});

const MessageConnection = builder.connectionObject(
  { type: MessageRef, name: 'MessageConnection', description: 'A page of messages.' },
  { name: 'MessageEdge', description: 'A message in its list.' },
);

const MessageFilterInput = builder.inputType('MessageFilter', {
  description: 'Which messages. All conditions hold together.',
  fields: (t) => ({
    enterpriseSid: t.id({ description: 'Of this enterprise.' }),
    mappingSid: t.id({ description: 'Of this mapping.' }),
    type: t.field({ type: MessageTypeEnum, description: 'Of this type.' }),
    direction: t.field({ type: MessageDirectionEnum, description: 'Of this direction.' }),
    from: t.string({ description: 'The beginning of the sender, case ignored, taken literally.' }),
    to: t.string({ description: 'The beginning of the recipient, case ignored, taken literally.' }),
    channelStatus: t.string({ description: "A part of the status's name, case ignored: `deliver` finds DELIVERED and UNDELIVERED." }),
    channelErrorCode: t.string({ description: 'A part of the error code, case ignored, taken literally.' }),
    channelErrorMessage: t.string({ description: 'A part of the error message, case ignored, taken literally.' }),
    stuck: t.boolean({ description: 'Those whose retries are used up, or those whose are not.' }),
    ...createdRange(t),
  }),
});

const MessageOrderInput = builder.inputType('MessageOrder', {
  description: 'The order of messages. Equal ones are in order of their sid.',
  fields: (t) => ({
    field: t.field({
      type: builder.enumType('MessageOrderField', {
        description: 'What messages are ordered by.',
        values: {
          DATE_CREATED: { description: 'When they were accepted.' },
          FROM: { description: 'The sender, case ignored.' },
          TO: { description: 'The recipient, case ignored.' },
        } as const,
      }),
      required: true,
      description: 'What to order by.',
    }),
    direction: t.field({ type: OrderDirectionEnum, required: true, defaultValue: 'ASC', description: 'Which way.' }),
  }),
});

builder.prismaObjectFields(EnterpriseRef, (t) => ({
  messages: t.connection(
    {
      type: MessageRef,
      description: 'Its messages.',
      extensions: { ...needs(), ...packable },
      args: {
        filter: t.arg({ type: MessageFilterInput, description: 'Which ones.' }),
        orderBy: t.arg({ type: MessageOrderInput, description: 'In which order; by creation where left out.' }),
        ...offset,
      },
      resolve: (enterprise, args, { gateway, caller, loaders, packed }, info) =>
        loaders
          .pagesOf(batchKey(info, packed), (sids) =>
            listMessagesOf(gateway, caller, 'enterpriseSid', sids, args.filter ?? {}, args.orderBy ?? undefined, args, shown(info, packed)),
          )
          .load(enterprise.sid),
    },
    MessageConnection,
  ),
  messageCount: t.int({
    description: 'How many messages it has.',
    extensions: needs(),
    resolve: (enterprise, _args, { loaders }) => loaders.messageCountOf.load(enterprise.sid),
  }),
}));

builder.prismaObjectFields(MappingRef, (t) => ({
  messages: t.connection(
    {
      type: MessageRef,
      description: 'The messages that passed by it.',
      extensions: { ...needs(), ...packable },
      args: {
        filter: t.arg({ type: MessageFilterInput, description: 'Which ones.' }),
        orderBy: t.arg({ type: MessageOrderInput, description: 'In which order; by creation where left out.' }),
        ...offset,
      },
      resolve: (mapping, args, { gateway, caller, loaders, packed }, info) =>
        loaders
          .pagesOf(batchKey(info, packed), (sids) =>
            listMessagesOf(gateway, caller, 'mappingSid', sids, args.filter ?? {}, args.orderBy ?? undefined, args, shown(info, packed)),
          )
          .load(mapping.sid),
    },
    MessageConnection,
  ),
}));

builder.queryFields((t) => ({
  message: t.field({
    type: MessageRef,
    nullable: true,
    description: 'The message with this sid, or null where your organization has none.',
    args: { sid: t.arg.id({ required: true, description: 'MS and 32 hex digits.' }) },
    resolve: (_root, { sid }, { gateway, caller }) => findMessage(gateway, caller, sid),
  }),
  messages: t.connection(
    {
      type: MessageRef,
      description: 'Your messages.',
      extensions: packable,
      args: {
        filter: t.arg({ type: MessageFilterInput, description: 'Which ones.' }),
        orderBy: t.arg({ type: MessageOrderInput, description: 'In which order; by creation where left out.' }),
        ...offset,
      },
      resolve: (_root, args, { gateway, caller, packed }, info) =>
        listMessages(gateway, caller, args.filter ?? {}, args.orderBy ?? undefined, args, shown(info, packed)),
    },
    MessageConnection,
  ),
}));

const SendMessageInput = builder.inputType('SendMessageInput', {
  description: 'A text to send as a Teams user.',
  fields: (t) => ({
    mappingSid: t.id({ required: true, description: 'The mapping as whose Teams user, and from whose number, it is sent.' }),
    to: t.string({ required: true, description: 'The number: 3 to 18 digits with an optional leading +.' }),
    body: t.string({ required: true, description: 'The text, at most 1600 characters.' }),
    ...idempotencyKey(t),
  }),
});

const RetryMessageInput = builder.inputType('RetryMessageInput', {
  description: 'A stuck message to send again.',
  fields: (t) => ({
    sid: t.id({ required: true, description: 'MS and 32 hex digits.' }),
    ...idempotencyKey(t),
  }),
});

builder.mutationFields((t) => ({
  sendMessage: t.field({
    type: MessageRef,
    description: 'Sends an SMS as a Teams user. It is accepted, QUEUED, once this answers; its progress shows in its events.',
    errors: resultUnion('SendMessageResult', 'accepted message'),
    args: { input: t.arg({ type: SendMessageInput, required: true, description: 'The text.' }) },
    resolve: (_root, { input }, { gateway, caller }) => sendMessage(gateway, caller, input),
  }),
  retryMessage: t.field({
    type: MessageRef,
    description: 'Sends a stuck message again.',
    errors: resultUnion('RetryMessageResult', 'message, enqueued again'),
    args: { input: t.arg({ type: RetryMessageInput, required: true, description: 'The message.' }) },
    resolve: (_root, { input }, { gateway, caller }) => retryMessage(gateway, caller, input),
  }),
}));
