import type { ChannelStatus, WebhookEndpoint } from '../../../prisma/client/client.ts';
import { encodeEventCursor } from '../events/event-cursor.ts';
import type { EventWithMessage } from '../logged-event.ts';
import { conversationSidOf } from '../messages/conversations.ts';

// What endpoints receive, as docs/webhooks.md documents it. Fields may be added; none may be removed or mean something else.

/** The events that an endpoint can choose: a message has reached the status after the dot. */
export const webhookEventTypes = [
  ...['message.queued', 'message.sending', 'message.sent', 'message.delivered'],
  ...['message.undelivered', 'message.failed', 'message.read', 'message.received'],
] as const;

/** An event as an endpoint receives it. */
export interface WebhookPayload {
  /** One of `webhookEventTypes`; `webhook.gap` or `webhook.test`, which every endpoint receives. */
  readonly type: string;
  /** When it happened (ISO 8601). */
  readonly timestamp: string;
  readonly data: object;
}

/** The type of the events with which messages reach this status. */
export const eventTypeOf = (status: ChannelStatus): string => `message.${status.toLowerCase()}`;

/** Describes an event. The message is as it was when the event was read. */
export function messagePayload(logId: string, event: EventWithMessage, withBody: boolean): WebhookPayload {
  const { message } = event;
  return {
    type: eventTypeOf(event.status),
    timestamp: event.occurredAt.toISOString(),
    data: {
      cursor: encodeEventCursor(logId, event.seq),
      status: event.status,
      previousStatus: event.previousStatus,
      errorCode: event.errorCode,
      errorMessage: event.errorMessage,
      message: {
        sid: message.sid,
        enterpriseSid: message.enterpriseSid,
        mappingSid: message.mappingSid,
        conversationSid: conversationSidOf(message),
        accountSid: message.accountSid,
        direction: message.direction,
        type: message.type,
        from: message.from,
        to: message.to,
        body: withBody ? message.body : null,
        mediaUrls: withBody ? message.mediaUrls : null,
        segments: message.segments,
        encoding: message.encoding,
        possiblyDuplicated: message.possiblyDuplicated,
        dateCreated: message.dateCreated.toISOString(),
      },
    },
  };
}

/**
 * Reports that events were deleted before they could be sent: those after the endpoint's position, up to `until`. An endpoint for one enterprise or some
 * types gets no number: how many were for it is no longer known, and it must not learn the number of the whole organization.
 */
export const gapPayload = (
  logId: string,
  { position, enterpriseSid, eventTypes }: Pick<WebhookEndpoint, 'position' | 'enterpriseSid' | 'eventTypes'>,
  until: bigint,
): WebhookPayload => ({
  type: 'webhook.gap',
  timestamp: new Date().toISOString(),
  data: {
    after: encodeEventCursor(logId, position),
    cursor: encodeEventCursor(logId, until),
    events: enterpriseSid === null && eventTypes.length === 0 ? Number(until - position) : null,
  },
});

/** What `testWebhookEndpoint` sends. */
export const testPayload = (endpointSid: string): WebhookPayload => ({
  type: 'webhook.test',
  timestamp: new Date().toISOString(),
  data: { endpointSid },
});
