import { belonging } from '../../src/domain/confinement.ts';
import {
  conversationSidOf,
  findConversation,
  listConversations,
  listConversationsOf,
  phoneShown,
} from '../../src/domain/messages/conversations.ts';
import { listMessagesOf } from '../../src/domain/messages/messages.ts';
import { required } from '../accounts/account.ts';
import { builder } from '../builder.ts';
import { batchKey, needs, packable, shown } from '../columns.ts';
import { EnterpriseRef } from '../enterprises/enterprise.ts';
import { OrderDirectionEnum, offset } from '../lists.ts';
import { MappingRef } from '../mappings/mapping.ts';
import { MessageConnection, MessageFilterInput, MessageOrderInput, MessageRef } from './message.ts';
import { MessageEventRef } from './message-event.ts';

const ConversationRef = builder.prismaNode('Conversation', {
  description:
    'The messages between a Teams user and a phone: one conversation for each mapping and phone, in whatever form its number is written. It begins with their first message and ends with the mapping, whose messages stay. A mapping that moves to another enterprise begins new ones there.',
  id: { field: 'sid' },
  findUnique: (sid, { caller }) => ({ sid, ...belonging(caller) }),
  nullable: true,
  fields: (t) => ({
    sid: t.exposeID('sid', { description: 'The unique identifier: `CV` followed by 32 hex digits.' }),
    phone: t.string({
      description: 'The phone: its number in E.164, the digits of a short code, or the name that a sender has instead of a number.',
      extensions: needs('phone', 'phoneFolded'),
      resolve: phoneShown,
    }),
    lastMessageSid: t.exposeID('lastMessageSid', { description: 'The sid of the newest message, in either direction.' }),
    lastMessageDate: t.expose('lastMessageDate', {
      type: 'DateTime',
      description: 'The time when the gateway accepted the newest message.',
    }),
    lastMessage: t.field({
      type: MessageRef,
      nullable: true,
      description: 'The newest message, in either direction. `null` if it was deleted a moment ago.',
      extensions: needs('lastMessageSid'),
      resolve: ({ lastMessageSid }, _args, { loaders }) => loaders.message.load(lastMessageSid),
    }),
    messagesFromPhone: t.exposeInt('messagesFromPhone', { description: 'The number of messages from the phone (`OUTBOUND`).' }),
    messagesFromTeams: t.exposeInt('messagesFromTeams', { description: 'The number of messages from the Teams user (`INBOUND`).' }),
    messagesFailed: t.exposeInt('messagesFailed', {
      description: 'The number of messages, in both directions, that are `FAILED` or `UNDELIVERED`. One that is retried no longer counts.',
    }),
    unansweredSince: t.expose('unansweredSince', {
      type: 'DateTime',
      nullable: true,
      description: "The time of the phone's first message after the last one from Teams. `null` if there is none since.",
    }),
    dateCreated: t.expose('dateCreated', { type: 'DateTime', description: 'The time of the first message.' }),
    enterpriseSid: t.exposeID('enterpriseSid', { description: 'The enterprise that the messages belong to.' }),
    enterprise: t.field({
      type: EnterpriseRef,
      description: 'The enterprise that the messages belong to.',
      extensions: needs('enterpriseSid'),
      resolve: async ({ enterpriseSid }, _args, { loaders }) => required(await loaders.enterprise.load(enterpriseSid)),
    }),
    mappingSid: t.exposeID('mappingSid', { description: 'The mapping of the Teams user.' }),
    mapping: t.field({
      type: MappingRef,
      nullable: true,
      description: 'The mapping of the Teams user. `null` if it was deleted a moment ago, or moved out of the reach of your credentials.',
      extensions: needs('mappingSid'),
      resolve: ({ mappingSid }, _args, { loaders }) => loaders.mapping.load(mappingSid),
    }),
    messages: t.connection(
      {
        type: MessageRef,
        description: 'The messages of the conversation, in both directions.',
        extensions: { ...needs(), ...packable },
        args: {
          filter: t.arg({ type: MessageFilterInput, description: 'Returns only messages that match this filter.' }),
          orderBy: t.arg({ type: MessageOrderInput, description: 'The sort order. Defaults to `DATE_CREATED`, ascending.' }),
          ...offset,
        },
        resolve: (conversation, args, { gateway, caller, loaders, packed }, info) =>
          loaders
            .pagesOf(batchKey(info, packed), (sids) =>
              listMessagesOf(
                gateway,
                caller,
                'conversationSid',
                sids,
                args.filter ?? {},
                args.orderBy ?? undefined,
                args,
                shown(info, packed),
              ),
            )
            .load(conversation.sid),
      },
      MessageConnection,
    ),
  }),
});

const ConversationConnection = builder.connectionObject(
  { type: ConversationRef, name: 'ConversationConnection', description: 'A page of conversations.' },
  { name: 'ConversationEdge', description: 'A conversation and its cursor. A new message moves it in the order `LAST_MESSAGE`.' },
);

const ConversationFilterInput = builder.inputType('ConversationFilter', {
  description: 'A filter for conversations. All given conditions must hold.',
  fields: (t) => ({
    enterpriseSid: t.id({ description: 'The messages belong to the enterprise with this sid.' }),
    mappingSid: t.id({ description: 'The conversation is of the mapping with this sid.' }),
    phone: t.string({
      description:
        'The phone starts with this text. Case-insensitive, without wildcards. Phone numbers are compared in E.164, in whatever form they were given: `1571`, `+1571` and `001571` are the same.',
    }),
    unanswered: t.boolean({ description: 'The last message from the phone is unanswered (`true`), or there is none that is (`false`).' }),
    lastMessageFrom: t.field({ type: 'DateTime', description: 'The newest message was accepted at or after this time.' }),
    lastMessageTo: t.field({ type: 'DateTime', description: 'The newest message was accepted at or before this time.' }),
  }),
});

const ConversationOrderInput = builder.inputType('ConversationOrder', {
  description: 'A sort order of conversations. Ties are sorted by sid in the same direction.',
  fields: (t) => ({
    field: t.field({
      type: builder.enumType('ConversationOrderField', {
        description: 'The fields by which conversations can be sorted.',
        values: {
          LAST_MESSAGE: { description: 'The time of the newest message.' },
          PHONE: { description: 'The phone. Numbers are sorted by their E.164 digits, names without regard to case.' },
          UNANSWERED_SINCE: { description: 'The time since when the phone waits for an answer. Conversations without one are left out.' },
        } as const,
      }),
      required: true,
      description: 'The field to sort by.',
    }),
    direction: t.field({ type: OrderDirectionEnum, required: true, defaultValue: 'ASC', description: 'The sort direction.' }),
  }),
});

builder.prismaObjectFields(MappingRef, (t) => ({
  conversations: t.connection(
    {
      type: ConversationRef,
      description: 'The conversations of the Teams user by this number, in every enterprise that the mapping belonged to.',
      extensions: { ...needs(), ...packable },
      args: {
        filter: t.arg({ type: ConversationFilterInput, description: 'Returns only conversations that match this filter.' }),
        orderBy: t.arg({ type: ConversationOrderInput, description: 'The sort order. Defaults to `LAST_MESSAGE`, descending.' }),
        ...offset,
      },
      resolve: (mapping, args, { gateway, caller, loaders, packed }, info) =>
        loaders
          .pagesOf(batchKey(info, packed), (sids) =>
            listConversationsOf(gateway, caller, sids, args.filter ?? {}, args.orderBy ?? undefined, args, shown(info, packed)),
          )
          .load(mapping.sid),
    },
    ConversationConnection,
  ),
}));

builder.prismaObjectFields(MessageRef, (t) => ({
  conversationSid: t.id({
    nullable: true,
    description: 'The conversation that the message belongs to. `null` once its mapping is deleted.',
    extensions: needs('mappingSid', 'enterpriseSid', 'direction', 'fromFolded', 'toFolded'),
    resolve: conversationSidOf,
  }),
  conversation: t.field({
    type: ConversationRef,
    nullable: true,
    description: 'The conversation that the message belongs to. `null` once its mapping is deleted.',
    extensions: needs('mappingSid', 'enterpriseSid', 'direction', 'fromFolded', 'toFolded'),
    resolve: (message, _args, { loaders }) => {
      const sid = conversationSidOf(message);
      return sid === null ? null : loaders.conversation.load(sid);
    },
  }),
}));

builder.objectFields(MessageEventRef, (t) => ({
  conversationSid: t.id({
    nullable: true,
    description: 'The conversation that the message belongs to. `null` once its mapping is deleted.',
    resolve: async ({ message, messageSid }, _args, { loaders }) =>
      conversationSidOf(message ?? required(await loaders.message.load(messageSid))),
  }),
  conversation: t.field({
    type: ConversationRef,
    nullable: true,
    description: 'The conversation that the message belongs to, in its current state. `null` once its mapping is deleted.',
    resolve: async ({ message, messageSid }, _args, { loaders }) => {
      const sid = conversationSidOf(message ?? required(await loaders.message.load(messageSid)));
      return sid === null ? null : loaders.conversation.load(sid);
    },
  }),
}));

builder.queryFields((t) => ({
  conversation: t.field({
    type: ConversationRef,
    nullable: true,
    description: 'Looks up a conversation by its sid. Returns `null` if there is none.',
    args: { sid: t.arg.id({ required: true, description: 'The sid of the conversation: `CV` followed by 32 hex digits.' }) },
    resolve: (_root, { sid }, { gateway, caller }) => findConversation(gateway, caller, sid),
  }),
  conversations: t.connection(
    {
      type: ConversationRef,
      description: 'The conversations of your organization.',
      extensions: packable,
      args: {
        filter: t.arg({ type: ConversationFilterInput, description: 'Returns only conversations that match this filter.' }),
        orderBy: t.arg({ type: ConversationOrderInput, description: 'The sort order. Defaults to `LAST_MESSAGE`, descending.' }),
        ...offset,
      },
      resolve: (_root, args, { gateway, caller, packed }, info) =>
        listConversations(gateway, caller, args.filter ?? {}, args.orderBy ?? undefined, args, shown(info, packed)),
    },
    ConversationConnection,
  ),
}));
