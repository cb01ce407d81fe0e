import { encodeEventCursor } from '../src/domain/messages/event-cursor.ts';
import type { LoggedEvent } from '../src/domain/messages/events.ts';
import { listEvents } from '../src/domain/messages/message-events.ts';
import type { Bookmark } from '../src/live/live.ts';
import { required } from './account.ts';
import { builder } from './builder.ts';
import { ChannelStatusEnum, MessageDirectionEnum, MessageRef } from './message.ts';

/** An event as a list, a stream or a message's history has it; the latter without its cursor. */
type Event = Pick<LoggedEvent, 'seq' | 'messageSid' | 'status' | 'previousStatus' | 'errorCode' | 'errorMessage' | 'occurredAt'> & {
  cursor?: string;
};

const MessageEventRef = builder.objectRef<Event>('MessageEvent').implement({
  description: "One change of a message's status, as your organization's event log has it.",
  fields: (t) => ({
    cursor: t.string({
      description: 'The place behind this event: continue from it with `after`.',
      resolve: async ({ cursor, seq }, _args, { caller, loaders }) =>
        cursor ?? encodeEventCursor(await loaders.logId.load(caller.organizationSid), seq),
    }),
    occurredAt: t.expose('occurredAt', { type: 'DateTime', description: 'When it was recorded.' }),
    status: t.expose('status', { type: ChannelStatusEnum, description: 'The status since then.' }),
    previousStatus: t.expose('previousStatus', {
      type: ChannelStatusEnum,
      nullable: true,
      description: 'The status before; null for the first.',
    }),
    errorCode: t.exposeString('errorCode', { nullable: true, description: "The channel's error code." }),
    errorMessage: t.exposeString('errorMessage', { nullable: true, description: "The channel's error message." }),
    message: t.field({
      type: MessageRef,
      description: 'The message as it is now.',
      resolve: async ({ messageSid }, _args, { loaders }) => required(await loaders.message.load(messageSid)),
    }),
  }),
});

builder.prismaObjectFields(MessageRef, (t) => ({
  events: t.field({
    type: [MessageEventRef],
    description: 'The history of its status, oldest first, as far back as events are kept.',
    resolve: (message, _args, { loaders }) => loaders.eventsOf.load(message.sid),
  }),
}));

const MessageEventFilterInput = builder.inputType('MessageEventFilter', {
  description: 'Which events. All conditions hold together.',
  fields: (t) => ({
    enterpriseSids: t.idList({ description: 'Of messages of these enterprises.' }),
    mappingSid: t.id({ description: 'Of messages of this mapping.' }),
    messageSid: t.id({ description: 'Of this message.' }),
    direction: t.field({ type: MessageDirectionEnum, description: 'Of messages of this direction.' }),
    statuses: t.field({ type: [ChannelStatusEnum], description: 'That lead to one of these statuses.' }),
  }),
});

const MessageEventConnection = builder.connectionObject(
  { type: MessageEventRef, name: 'MessageEventConnection', description: 'A page of the event log.' },
  { name: 'MessageEventEdge', description: 'An event in the log.' },
);

builder.queryField('messageEvents', (t) =>
  t.field({
    type: MessageEventConnection,
    description: 'Your event log behind a cursor, oldest first: to catch up by polling, with the same cursors as the subscription.',
    args: {
      after: t.arg.string({ description: "Continue behind this cursor; from the log's beginning where left out." }),
      first: t.arg.int({ description: 'How many: 0 to 100, 20 where left out.' }),
      filter: t.arg({ type: MessageEventFilterInput, description: 'Which ones. `endCursor` moves on past those left out.' }),
    },
    resolve: (_root, { filter, ...page }, { gateway, caller }) => listEvents(gateway, caller, filter ?? {}, page),
  }),
);

const BookmarkRef = builder.objectRef<Bookmark>('Bookmark').implement({
  description: 'A place in the event log: you have all that your filter lets through up to here.',
  fields: (t) => ({ cursor: t.exposeString('cursor', { description: 'Continue from it with `after`.' }) }),
});

const MessageEventUpdate = builder.unionType('MessageEventUpdate', {
  description: 'What the subscription sends.',
  types: [MessageEventRef, BookmarkRef],
  resolveType: (update) => ('bookmark' in update ? BookmarkRef : MessageEventRef),
});

builder.subscriptionType({ description: 'Live streams. They end with your credentials.', authScopes: { permission: 'read' } });

builder.subscriptionFields((t) => ({
  messageEvents: t.field({
    type: MessageEventUpdate,
    description:
      'Your message events, each once and in order. From now on without `after`, beginning with a bookmark; else every event behind the cursor, however long ago.',
    args: {
      after: t.arg.string({ description: 'The last cursor that you had, of an event or a bookmark.' }),
      filter: t.arg({ type: MessageEventFilterInput, description: 'Which ones. Bookmarks move your cursor on past those left out.' }),
    },
    subscribe: (_root, { after, filter }, { live, caller, resumeFrom }) =>
      live.messageEvents(caller, filter ?? {}, resumeFrom ?? after ?? undefined),
    resolve: (update) => update,
  }),
  messageStatus: t.field({
    type: MessageEventRef,
    description: "One message's present status and every later one; completes with its terminal one.",
    args: { sid: t.arg.id({ required: true, description: 'MS and 32 hex digits.' }) },
    subscribe: (_root, { sid }, { live, caller }) => live.messageStatus(caller, sid),
    resolve: (event) => event,
  }),
}));
