import type { MessageHoldReason } from '../../prisma/client/client.ts';
import { ChannelStatus, MessageDirection, MessageEncoding, MessageType } from '../../prisma/client/enums.ts';
import { belonging } from '../../src/domain/confinement.ts';
import { findMessage, listMessages, listMessagesOf } from '../../src/domain/messages/messages.ts';
import { HOLDS } from '../../src/domain/waiting.ts';
import { ProvisionedInterface, required } from '../accounts/account.ts';
import { builder } from '../builder.ts';
import { batchKey, needs, packable, shown } from '../columns.ts';
import { EnterpriseRef } from '../enterprises/enterprise.ts';
import { OrderDirectionEnum, offset, timeRanges } from '../lists.ts';
import { MappingRef } from '../mappings/mapping.ts';

export const MessageDirectionEnum = builder.enumType('MessageDirection', {
  description: 'The direction of a message as in the REST API, seen from the gateway. `MessageRoute` names it by its ends.',
  values: {
    [MessageDirection.INBOUND]: { description: 'From a Teams user to a phone number.' },
    [MessageDirection.OUTBOUND]: { description: 'From a phone number to a Teams user.' },
  } as const,
});

const MessageRouteEnum = builder.enumType('MessageRoute', {
  description: 'The direction of a message, named by its ends.',
  values: {
    TEAMS_TO_SMS: { description: 'From a Teams user to a phone number (`INBOUND`).' },
    SMS_TO_TEAMS: { description: 'From a phone number to a Teams user (`OUTBOUND`).' },
  } as const,
});

export const MessageTypeEnum = builder.enumType('MessageType', {
  description: 'The type of a message.',
  values: {
    [MessageType.SMS]: { description: 'Text only. Messages from Teams users are always of this type.' },
    [MessageType.MMS]: { description: 'Media, with or without text.' },
  } as const,
});

const MessageEncodingEnum = builder.enumType('MessageEncoding', {
  description: 'The encoding of the text of an SMS, which decides how many characters fit in a segment.',
  values: {
    [MessageEncoding.GSM_7]: {
      description: 'GSM 03.38: 160 characters fit in one segment, or 153 in each of several. Some characters, e.g. `€`, count twice.',
    },
    [MessageEncoding.UCS_2]: {
      description:
        'UCS-2, for texts with a character that is not in GSM 03.38: 70 characters fit in one segment, or 67 in each of several.',
    },
  } as const,
});

export const ChannelStatusEnum = builder.enumType('ChannelStatus', {
  description:
    'The delivery status of a message: `QUEUED` → `SENDING` → `SENT` → `DELIVERED` → `READ`. Before it is delivered, a message can also end as `UNDELIVERED` or `FAILED`. Steps can be skipped but never reversed; `READ`, `UNDELIVERED` and `FAILED` are final. The one way back is `retryMessage`, which turns `FAILED` into `QUEUED`.',
  values: {
    [ChannelStatus.QUEUED]: {
      description: 'Accepted, and waiting to be sent. The first status of every message, and the one after a retry.',
    },
    [ChannelStatus.SENDING]: { description: 'Accepted by the Restcomm platform, but not sent yet.' },
    [ChannelStatus.SENT]: { description: 'Sent to the carrier by the Restcomm platform.' },
    [ChannelStatus.DELIVERED]: { description: 'Delivered to the phone according to the carrier, or accepted by Teams.' },
    [ChannelStatus.UNDELIVERED]: { description: 'Not delivered to the phone, according to the carrier. `channelErrorCode` says why.' },
    [ChannelStatus.FAILED]: { description: 'Refused by the gateway, the Restcomm platform or Microsoft. `channelErrorCode` says why.' },
    [ChannelStatus.READ]: { description: 'Read by the recipient, if the carrier reports it.' },
    [ChannelStatus.RECEIVED]: {
      description: 'Received from a phone. Only demo data has it: the gateway starts every message as `QUEUED`.',
    },
  } as const,
});

const MessageHoldReasonEnum = builder.enumType('MessageHoldReason', {
  description: 'The reason why a message is stuck.',
  values: Object.fromEntries(
    Object.entries(HOLDS).map(([reason, { description }]) => [reason, { value: reason as MessageHoldReason, description }]),
  ) as Record<MessageHoldReason, { value: MessageHoldReason; description: string }>,
});

interface MessageHold {
  readonly reason: MessageHoldReason;
  readonly channelErrorCode: string | null;
  readonly since: Date;
}

const MessageHoldRef = builder.objectRef<MessageHold>('MessageHold').implement({
  description: 'What a stuck message waits for.',
  fields: (t) => ({
    reason: t.field({ type: MessageHoldReasonEnum, description: 'The reason why it is stuck.', resolve: ({ reason }) => reason }),
    channelErrorCode: t.exposeString('channelErrorCode', {
      nullable: true,
      description: "The platform's or the gateway's error code: that of the message.",
    }),
    cure: t.string({ description: 'What to do about it, as a sentence to show to a person.', resolve: ({ reason }) => HOLDS[reason].cure }),
    since: t.field({
      type: 'DateTime',
      description: 'The time since when its conversation has been waiting, or when the message was set aside.',
      resolve: ({ since }) => since,
    }),
  }),
});

export const MessageRef = builder.prismaNode('Message', {
  description: 'An SMS or MMS between a phone number and a Teams user.',
  id: { field: 'sid' },
  interfaces: [ProvisionedInterface],
  findUnique: (sid, { caller }) => ({ sid, ...belonging(caller) }),
  nullable: true,
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'The unique identifier: `MS` followed by 32 hex digits.' }),
    direction: t.expose('direction', {
      type: MessageDirectionEnum,
      description: 'The direction as in the REST API: `INBOUND` from a Teams user, `OUTBOUND` to one.',
    }),
    route: t.field({
      type: MessageRouteEnum,
      description: 'The direction, named by its ends.',
      extensions: needs('direction'),
      resolve: (message) => (message.direction === 'INBOUND' ? ('TEAMS_TO_SMS' as const) : ('SMS_TO_TEAMS' as const)),
    }),
    type: t.expose('type', { type: MessageTypeEnum, description: 'Whether the message has media (`MMS`) or not (`SMS`).' }),
    from: t.exposeString('from', {
      description: 'The sender: the Microsoft address of the Teams user (`INBOUND`) or a phone number (`OUTBOUND`).',
    }),
    to: t.exposeString('to', {
      description: 'The recipient: a phone number (`INBOUND`) or the Microsoft address of the Teams user (`OUTBOUND`).',
    }),
    body: t.exposeString('body', {
      description: 'The text: at most 999 characters from a Teams user, 10,000 from a phone. It can be empty, e.g. in an MMS.',
    }),
    mediaUrls: t.exposeStringList('mediaUrls', {
      description: 'The HTTP or HTTPS URLs of the media of an MMS, at most 10. Empty for an SMS.',
    }),
    segments: t.exposeInt('segments', { description: 'The number of SMS segments that the text takes in its encoding, at least 1.' }),
    encoding: t.expose('encoding', {
      type: MessageEncodingEnum,
      description: 'The encoding of the text as SMS.',
    }),
    channelStatus: t.expose('channelStatus', {
      type: ChannelStatusEnum,
      description: 'The delivery status. `Subscription.messageStatus` follows it.',
    }),
    channelErrorCode: t.exposeString('channelErrorCode', {
      nullable: true,
      description:
        'The error code, from the gateway, the Restcomm platform or Microsoft. `null` unless the message is `UNDELIVERED`, `FAILED` or stuck.',
    }),
    channelErrorMessage: t.exposeString('channelErrorMessage', {
      nullable: true,
      description: 'A human-readable explanation of the error. `null` unless there is a `channelErrorCode`.',
    }),
    restcommMessageSid: t.exposeString('restcommMessageSid', {
      nullable: true,
      description: 'The sid of the message on the Restcomm platform. `null` until the platform has accepted the message.',
    }),
    possiblyDuplicated: t.exposeBoolean('possiblyDuplicated', {
      description:
        'Whether the recipient may have received the message twice, because a delivery attempt with an unknown outcome was repeated.',
    }),
    stuck: t.exposeBoolean('stuck', {
      description:
        'Whether the message is not delivered until somebody does something about it; `waiting` says what. Either it waits with its conversation, in order, for a cause to be removed; or it was set aside after about an hour of failed delivery attempts. The status stays as it was.',
    }),
    waiting: t.field({
      type: MessageHoldRef,
      nullable: true,
      description:
        'What a stuck message waits for. Once that is done, the message is delivered automatically, unless the reason is `RETRIES_EXHAUSTED`. `null` unless the message is stuck.',
      extensions: needs('holdReason', 'heldSince', 'channelErrorCode'),
      resolve: ({ holdReason, heldSince, channelErrorCode }) =>
        holdReason && heldSince ? { reason: holdReason, channelErrorCode, since: heldSince } : null,
    }),
    accountSid: t.exposeID('accountSid', {
      description: 'The account that sent it with `sendMessage`, or else the `accountSid` of the mapping.',
    }),
    dateCreated: t.expose('dateCreated', { type: 'DateTime', description: 'The time when the gateway accepted the message.' }),
    dateUpdated: t.expose('dateUpdated', { type: 'DateTime', description: 'The time when the status last changed.' }),
    enterpriseSid: t.exposeID('enterpriseSid', { description: 'The enterprise that the message belongs to.' }),
    enterprise: t.field({
      type: EnterpriseRef,
      description: 'The enterprise that the message belongs to.',
      extensions: needs('enterpriseSid'),
      resolve: async (message, _args, { loaders }) => required(await loaders.enterprise.load(message.enterpriseSid)),
    }),
    mappingSid: t.exposeID('mappingSid', { nullable: true, description: 'The mapping it was sent through. `null` once that is deleted.' }),
    mapping: t.field({
      type: MappingRef,
      nullable: true,
      description: 'The mapping it was sent through. `null` once that is deleted.',
      extensions: needs('mappingSid'),
      resolve: (message, _args, { loaders }) => (message.mappingSid ? loaders.mapping.load(message.mappingSid) : null),
    }),
  }),
});

export const MessageEdge = builder.edgeObject({ type: MessageRef, name: 'MessageEdge', description: 'A message and its cursor.' });

export const MessageConnection = builder.connectionObject(
  { type: MessageRef, name: 'MessageConnection', description: 'A page of messages.' },
  MessageEdge,
);

export const MessageFilterInput = builder.inputType('MessageFilter', {
  description: 'A filter for messages. All given conditions must hold.',
  fields: (t) => ({
    enterpriseSid: t.id({ description: 'The message belongs to the enterprise with this sid.' }),
    mappingSid: t.id({ description: 'The message was sent through the mapping with this sid.' }),
    conversationSid: t.id({ description: 'The message belongs to the conversation with this sid.' }),
    type: t.field({ type: MessageTypeEnum, description: 'The message is of this type.' }),
    direction: t.field({ type: MessageDirectionEnum, description: 'The message has this direction.' }),
    from: t.string({
      description:
        'The sender starts with this text. Case-insensitive, without wildcards. Phone numbers are compared in E.164, in whatever form they were given: `1571`, `+1571` and `001571` are the same.',
    }),
    to: t.string({
      description:
        'The recipient starts with this text. Case-insensitive, without wildcards. Phone numbers are compared in E.164, in whatever form they were given: `1571`, `+1571` and `001571` are the same.',
    }),
    body: t.string({
      description:
        'The text contains this text of at least three characters. Case-insensitive, without wildcards. The messages that match the other conditions are searched one by one, so give a time, an enterprise or a mapping, too: among many, a rare text is `SEARCH_TOO_WIDE`. Where the operator has turned on the index of texts, rare texts with three letters or digits in a row are found without these.',
    }),
    statuses: t.field({ type: [ChannelStatusEnum], description: 'The delivery status is one of these.' }),
    channelErrorCode: t.string({ description: 'The error code contains this text. Case-insensitive, without wildcards.' }),
    channelErrorMessage: t.string({ description: 'The error message contains this text. Case-insensitive, without wildcards.' }),
    restcommMessageSid: t.string({ description: 'The message has this sid on the Restcomm platform.' }),
    stuck: t.boolean({ description: 'The message is stuck (`true`) or not (`false`), for whatever reason.' }),
    ...timeRanges(t),
  }),
});

export const MessageOrderInput = builder.inputType('MessageOrder', {
  description: 'A sort order of messages. Ties are sorted by sid in the same direction.',
  fields: (t) => ({
    field: t.field({
      type: builder.enumType('MessageOrderField', {
        description: 'The fields by which messages can be sorted.',
        values: {
          DATE_CREATED: { description: 'The time when the gateway accepted the message.' },
          FROM: { description: 'The sender, case-insensitive. Phone numbers are sorted by their E.164 digits.' },
          TO: { description: 'The recipient, case-insensitive. Phone numbers are sorted by their E.164 digits.' },
        } as const,
      }),
      required: true,
      description: 'The field to sort by.',
    }),
    direction: t.field({ type: OrderDirectionEnum, required: true, defaultValue: 'ASC', description: 'The sort direction.' }),
  }),
});

builder.prismaObjectFields(EnterpriseRef, (t) => ({
  messages: t.connection(
    {
      type: MessageRef,
      description: 'The messages of the enterprise, including those of deleted mappings.',
      extensions: { ...needs(), ...packable },
      args: {
        filter: t.arg({ type: MessageFilterInput, description: 'Returns only messages that match this filter.' }),
        orderBy: t.arg({ type: MessageOrderInput, description: 'The sort order. Defaults to `DATE_CREATED`, ascending.' }),
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
    description:
      'The number of messages of the enterprise, including those of deleted mappings. If messages were deleted, at most 100,000 are counted, which the enterprises of a page share: see `messageCountIsExact`.',
    extensions: needs(),
    resolve: async (enterprise, _args, { loaders }) => (await loaders.messageCountOf.load(enterprise.sid)).count,
  }),
  messageCountIsExact: t.boolean({
    description: 'Whether `messageCount` counts all messages of the enterprise.',
    extensions: needs(),
    resolve: async (enterprise, _args, { loaders }) => (await loaders.messageCountOf.load(enterprise.sid)).isExact,
  }),
}));

builder.prismaObjectFields(MappingRef, (t) => ({
  messages: t.connection(
    {
      type: MessageRef,
      description: 'The messages sent through the mapping, in both directions.',
      extensions: { ...needs(), ...packable },
      args: {
        filter: t.arg({ type: MessageFilterInput, description: 'Returns only messages that match this filter.' }),
        orderBy: t.arg({ type: MessageOrderInput, description: 'The sort order. Defaults to `DATE_CREATED`, ascending.' }),
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
    description: 'Looks up a message by its sid. Returns `null` if there is none.',
    args: { sid: t.arg.id({ required: true, description: 'The sid of the message: `MS` followed by 32 hex digits.' }) },
    resolve: (_root, { sid }, { gateway, caller }) => findMessage(gateway, caller, sid),
  }),
  messages: t.connection(
    {
      type: MessageRef,
      description: 'The messages of your organization.',
      extensions: packable,
      args: {
        filter: t.arg({ type: MessageFilterInput, description: 'Returns only messages that match this filter.' }),
        orderBy: t.arg({ type: MessageOrderInput, description: 'The sort order. Defaults to `DATE_CREATED`, ascending.' }),
        ...offset,
      },
      resolve: (_root, args, { gateway, caller, packed }, info) =>
        listMessages(gateway, caller, args.filter ?? {}, args.orderBy ?? undefined, args, shown(info, packed)),
    },
    MessageConnection,
  ),
}));
