import type { Message } from '../../prisma/client/client.ts';
import { encodeEventCursor } from '../../src/domain/events/event-cursor.ts';
import { listEvents } from '../../src/domain/events/message-events.ts';
import type { LoggedEvent } from '../../src/domain/logged-event.ts';
import type { Bookmark } from '../../src/live/bookmarks.ts';
import { required } from '../accounts/account.ts';
import { builder } from '../builder.ts';
import type { GraphContext } from '../context.ts';
import { ChannelStatusEnum, MessageDirectionEnum, MessageRef } from './message.ts';

/** An event in a list, a stream or a message's history. In a history, its cursor is not encoded yet; in a stream, its message comes along. */
type EventRow = Pick<LoggedEvent, 'seq' | 'messageSid' | 'status' | 'previousStatus' | 'errorCode' | 'errorMessage' | 'occurredAt'> & {
  cursor?: string;
  message?: Message;
};

const cursorOf = async ({ cursor, seq }: EventRow, { caller, loaders }: GraphContext) =>
  cursor ?? encodeEventCursor((await loaders.logHead.load(caller.organizationSid)).logId, seq);

export const MessageEventRef = builder.node(builder.objectRef<EventRow>('MessageEvent'), {
  // With its message: those whose events are deleted get the status of the same position in the log.
  id: { resolve: async (event, _args, context) => `${await cursorOf(event, context)}_${event.messageSid}` },
  loadOne: (id, { loaders }) => loaders.event.load(id),
  description:
    "A change of a message's delivery status, recorded in the organization's event log. Events are kept for 30 days unless the operator sets another retention.",
  fields: (t) => ({
    cursor: t.string({
      description: 'The position after this event, to pass as `after`.',
      resolve: (event, _args, context) => cursorOf(event, context),
    }),
    dateCreated: t.expose('occurredAt', { type: 'DateTime', description: 'The time when the gateway recorded the change.' }),
    channelStatus: t.expose('status', { type: ChannelStatusEnum, description: 'The status after the change.' }),
    previousChannelStatus: t.expose('previousStatus', {
      type: ChannelStatusEnum,
      nullable: true,
      description: 'The status before the change. `null` for the first event of a message.',
    }),
    channelErrorCode: t.exposeString('errorCode', {
      nullable: true,
      description:
        'The error code, from the gateway, the Restcomm platform or Microsoft. `null` unless `channelStatus` is `UNDELIVERED` or `FAILED`.',
    }),
    channelErrorMessage: t.exposeString('errorMessage', {
      nullable: true,
      description: 'A human-readable explanation of the error. `null` unless there is a `channelErrorCode`.',
    }),
    message: t.field({
      type: MessageRef,
      description: 'The message in its current state, which can be later than this event.',
      resolve: async ({ message, messageSid }, _args, { loaders }) => message ?? required(await loaders.message.load(messageSid)),
    }),
  }),
});

builder.prismaObjectFields(MessageRef, (t) => ({
  events: t.field({
    type: [MessageEventRef],
    description: 'The status changes, oldest first. Those that are past the retention of events are missing.',
    resolve: (message, _args, { loaders }) => loaders.eventsOf.load(message.sid),
  }),
}));

const MessageEventFilterInput = builder.inputType('MessageEventFilter', {
  description: 'A filter for message events. All given conditions must hold.',
  fields: (t) => ({
    enterpriseSids: t.idList({ description: 'The message belongs to one of the enterprises with these sids.' }),
    mappingSid: t.id({ description: 'The message was sent through the mapping with this sid.' }),
    messageSid: t.id({ description: 'The message has this sid.' }),
    direction: t.field({ type: MessageDirectionEnum, description: 'The message has this direction.' }),
    statuses: t.field({ type: [ChannelStatusEnum], description: 'The status after the change is one of these.' }),
  }),
});

const MessageEventConnection = builder.connectionObject(
  { type: MessageEventRef, name: 'MessageEventConnection', description: 'A page of the event log.' },
  { name: 'MessageEventEdge', description: 'A message event and its cursor.' },
);

builder.queryField('messageEvents', (t) =>
  t.field({
    type: MessageEventConnection,
    description:
      "The events of your organization's messages, oldest first, for polling with the same cursors as `Subscription.messageEvents`. A page can be empty and still have more after it: `endCursor` moves past events that the filter leaves out. Errors: `CURSOR_INVALID`, `CURSOR_EXPIRED`.",
    args: {
      after: t.arg.string({ description: 'Returns the events after this cursor. By default, starts with the oldest event that is kept.' }),
      first: t.arg.int({ description: 'Returns at most this many events: 0 to 100. Defaults to 20.' }),
      filter: t.arg({ type: MessageEventFilterInput, description: 'Returns only events that match this filter.' }),
    },
    resolve: (_root, { filter, ...page }, { gateway, caller }) => listEvents(gateway, caller, filter ?? {}, page),
  }),
);

const BookmarkRef = builder.objectRef<Bookmark>('Bookmark').implement({
  description: 'A position in the event log that a stream has reached without an event to send.',
  fields: (t) => ({ cursor: t.exposeString('cursor', { description: 'The position in the event log, to pass as `after`.' }) }),
});

const MessageEventUpdate = builder.unionType('MessageEventUpdate', {
  description:
    'An update of `Subscription.messageEvents`: an event, or a bookmark if the stream starts now or no event matched for a while.',
  types: [MessageEventRef, BookmarkRef],
  resolveType: (update) => ('bookmark' in update ? BookmarkRef : MessageEventRef),
});

builder.subscriptionType({
  description:
    'The subscription root. Subscriptions are streamed over server-sent events or WebSocket (graphql-ws), need the permission `READ`, and end when the credentials expire or are revoked.',
  authScopes: { permission: 'read' },
});

builder.subscriptionFields((t) => ({
  messageEvents: t.field({
    type: MessageEventUpdate,
    description:
      "Streams the events of your organization's messages, each once and in order. Without `after` it starts now, with a bookmark; with it, the events since that cursor come first; with `last`, the newest events do. While no event matches, a bookmark comes at least every 20 seconds: a stream that is silent for longer is dead. Errors: `CURSOR_INVALID`, `CURSOR_EXPIRED`, `INVALID_PARAMETER`, `STREAM_OVERFLOW`.",
    args: {
      after: t.arg.string({
        description:
          'The cursor of the last event or bookmark received. The header `Last-Event-ID`, which a reconnecting `EventSource` sends, takes precedence.',
      }),
      last: t.arg.int({
        description:
          'Begins with this many of the newest events that match, oldest first: 0 to 100. At most the last 5,000 events are searched. Ignored if there is a cursor to continue from.',
      }),
      filter: t.arg({
        type: MessageEventFilterInput,
        description: 'Sends only events that match this filter. Bookmarks move the cursor past the others.',
      }),
    },
    subscribe: (_root, { after, last, filter }, { live, caller, resumeFrom }) =>
      live.messageEvents(caller, filter ?? {}, resumeFrom ?? after ?? undefined, last),
    resolve: (update) => update,
  }),
  messageStatus: t.field({
    type: MessageEventRef,
    description:
      "Streams a message's current status and every later one, and completes after `DELIVERED`, `READ`, `UNDELIVERED` or `FAILED`. While the status does not change, the last event comes again, with the same `id`, at least every 20 seconds: a stream that is silent for longer is dead. Errors: `MESSAGE_NOT_FOUND`, `STREAM_OVERFLOW`.",
    args: { sid: t.arg.id({ required: true, description: 'The sid of the message: `MS` followed by 32 hex digits.' }) },
    subscribe: (_root, { sid }, { live, caller }) => live.messageStatus(caller, sid),
    resolve: (event) => event,
  }),
}));
