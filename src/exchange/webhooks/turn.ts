import type { WebhookEndpoint } from '../../../prisma/client/client.ts';
import { encodeEventCursor } from '../../domain/events/event-cursor.ts';
import { headOf, isGap, type LogHead } from '../../domain/events/events.ts';
import { readEventsWithMessages } from '../../domain/events/read-events.ts';
import type { Gateway } from '../../domain/gateway.ts';
import type { EventWithMessage } from '../../domain/logged-event.ts';
import type { WebhookRequestOutcome } from '../../domain/webhooks/attempts.ts';
import { eventTypeOf, gapPayload, messagePayload, type WebhookPayload } from '../../domain/webhooks/event-types.ts';
import { isAccepted, type SendOutcome, sendSigned } from '../../domain/webhooks/send-signed.ts';
import { inTraceOf } from '../outbox/message-spans.ts';
import type { EndpointClaim } from './claim-endpoints.ts';
import type { HostPlaces } from './host-places.ts';

/** How many events a turn looks at. */
const BATCH = 100;
/** How many requests of a turn run at once: of different messages, since a message's events follow one another. */
const CONCURRENCY = 8;
/** After this time a turn begins no further request, in ms, so that others get theirs and what was accepted is saved. */
const TURN_MS = 5000;

/** What a turn has come to. */
export interface TurnResult {
  /** The number of the last event of those that the endpoint needs no more. */
  readonly position: bigint;
  /** The numbers of later events that it has accepted. */
  readonly accepted: readonly bigint[];
  readonly attempts: readonly WebhookRequestOutcome[];
  /** Whether more events may follow than the turn has looked at. */
  readonly hasMore: boolean;
  /** Whether the time of the turn went by before the endpoint's host had a place for an event. */
  readonly hadNoPlace: boolean;
  /** The first failure; absent if nothing failed. */
  readonly failure?: SendOutcome;
}

/**
 * Sends an endpoint the events after its position: the events of a message one after the other, those of several messages side by side. After a failure no
 * further request begins; what others accepted meanwhile is remembered, so that it is not sent again.
 * @param signal aborted when no further request is to begin
 */
export async function takeTurn(gateway: Gateway, claim: EndpointClaim, places: HostPlaces, signal: AbortSignal): Promise<TurnResult> {
  const { endpoint } = claim;
  const { organizationSid, position } = endpoint;
  const head = await headOf(gateway.prisma, organizationSid);
  const events = head.trimmed > position ? [] : await readEventsWithMessages(gateway.sql, organizationSid, position, BATCH);
  const sender = createSender(gateway, claim, places, signal);
  if (head.trimmed > position) return sendGap(sender, endpoint, head, head.trimmed);
  // Retention has deleted events since the head was read.
  if (isGap(position, events)) return sendGap(sender, endpoint, head, (events[0] as EventWithMessage).seq - 1n);

  const before = new Set(endpoint.accepted);
  const wanted = events.filter((event) => isWanted(endpoint, event) && !before.has(event.seq));
  const accepted = new Set(before);
  const waiting = [...byMessage(wanted).values()];
  const work = async () => {
    for (let group = waiting.shift(); group; group = waiting.shift()) {
      for (const event of group) {
        const payload = messagePayload(head.logId, event, endpoint.withBody);
        if (!(await sender.send(webhookId(endpoint, head.logId, event.seq), payload, event.messageSid))) break;
        accepted.add(event.seq);
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  const unsent = wanted.find(({ seq }) => !accepted.has(seq));
  const reached = unsent ? unsent.seq - 1n : (events.at(-1)?.seq ?? position);
  const hasMore = unsent !== undefined || events.length === BATCH;
  return { position: reached, accepted: [...accepted].filter((seq) => seq > reached), hasMore, ...sender.result() };
}

async function sendGap(sender: TurnSender, endpoint: WebhookEndpoint, { logId }: LogHead, until: bigint): Promise<TurnResult> {
  const { position } = endpoint;
  const isSent = await sender.send(`${webhookId(endpoint, logId, until)}_gap`, gapPayload(logId, endpoint, until), null);
  return { position: isSent ? until : position, accepted: isSent ? [] : endpoint.accepted, hasMore: true, ...sender.result() };
}

interface TurnSender {
  /** @returns whether the endpoint has accepted it; false also if the turn is over, and it was not sent */
  send(webhookId: string, payload: WebhookPayload, messageSid: string | null): Promise<boolean>;
  result(): Pick<TurnResult, 'attempts' | 'hadNoPlace' | 'failure'>;
}

function createSender(gateway: Gateway, claim: EndpointClaim, places: HostPlaces, signal: AbortSignal): TurnSender {
  const { endpoint } = claim;
  const { host } = new URL(endpoint.url);
  const attempts: WebhookRequestOutcome[] = [];
  const end = performance.now() + TURN_MS;
  let failure: SendOutcome | undefined;
  let hadNoPlace = false;
  const isOver = () => failure !== undefined || signal.aborted || performance.now() > Math.min(end, claim.leasedUntil);
  return {
    send: async (webhookId, payload, messageSid) => {
      if (isOver()) return false;
      return places.run(host, endpoint, async () => {
        if (isOver()) {
          hadNoPlace ||= failure === undefined && !signal.aborted;
          return false;
        }
        const post = () => sendSigned(gateway, endpoint, webhookId, payload);
        const outcome = await (messageSid === null ? post() : inTraceOf(gateway, messageSid, 'send to webhook endpoint', post));
        const { status, error, durationMs } = outcome;
        claim.quietSince = performance.now();
        attempts.push({ webhookId, eventType: payload.type, messageSid, status, error, durationMs });
        if (isAccepted(outcome)) return true;
        if (!outcome.isCutOff) failure ??= outcome;
        return false;
      });
    },
    result: () => ({ attempts, hadNoPlace, failure }),
  };
}

/** The id of an event for an endpoint: the same at each attempt, also after a replay. */
const webhookId = ({ sid }: WebhookEndpoint, logId: string, seq: bigint) => `${sid}_${encodeEventCursor(logId, seq)}`;

const isWanted = ({ eventTypes, enterpriseSid }: WebhookEndpoint, { status, enterpriseSid: of }: EventWithMessage) =>
  (eventTypes.length === 0 || eventTypes.includes(eventTypeOf(status))) && (enterpriseSid === null || enterpriseSid === of);

function byMessage(events: readonly EventWithMessage[]): Map<string, EventWithMessage[]> {
  const groups = new Map<string, EventWithMessage[]>();
  for (const event of events) groups.set(event.messageSid, [...(groups.get(event.messageSid) ?? []), event]);
  return groups;
}
