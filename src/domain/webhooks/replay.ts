import * as z from 'zod';
import type { PrismaClient, WebhookEndpoint } from '../../../prisma/client/client.ts';
import type { Caller } from '../caller.ts';
import { webhookEndpointNotFound } from '../errors.ts';
import { decodeEventCursor } from '../events/event-cursor.ts';
import { headOf, type LogHead } from '../events/events.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { invalidParameter, type Keyed, lookup, parseInput } from '../input.ts';
import { inTransaction } from '../transaction.ts';
import { dueNow, findWebhookEndpoint, lockEndpoint, requireOptedIn } from './endpoints.ts';

const input = z.object({ sid: lookup(), after: z.string().nullish(), since: z.date().nullish() });
type ReplayWebhookEndpointInput = z.input<typeof input> & Keyed;

/**
 * Moves an endpoint's place in the log, backwards or forwards: it receives the events after a cursor, or since a time. Those of a time that is before the
 * log's beginning begin there. Retries begin anew.
 * @throws InvalidInputError; NotFoundError WEBHOOK_ENDPOINT_NOT_FOUND; ConflictError CURSOR_INVALID, CURSOR_EXPIRED; NotOptedInError
 */
export async function replayWebhookEndpoint(gateway: Gateway, caller: Caller, given: ReplayWebhookEndpointInput): Promise<WebhookEndpoint> {
  const { prisma } = gateway;
  const { sid } = await idempotently(gateway, caller, 'replayWebhookEndpoint', given, async (remember) => {
    const { sid = '', after, since } = parseInput(input, given);
    await requireOptedIn(gateway, caller);
    if ((after == null) === (since == null)) throw invalidParameter(['after'], 'must be given, or since instead');
    const { organizationSid } = caller;
    const head = await headOf(prisma, organizationSid);
    const position = after == null ? await positionAt(prisma, organizationSid, head, since as Date) : decodeEventCursor(after, head);
    return inTransaction(prisma, async (tx) => {
      const before = await lockEndpoint(tx, caller, sid);
      const fresh = { failures: 0, failingSince: null, ...dueNow(before) };
      await tx.webhookEndpoint.update({
        where: { sid, organizationSid },
        data: { position, accepted: [], generation: { increment: 1 }, ...fresh },
      });
      await remember(tx, { sid });
      return { sid };
    });
  });
  const found = await findWebhookEndpoint(gateway, caller, sid);
  if (!found) throw webhookEndpointNotFound(sid);
  return found;
}

/** Finds the last event before a time, by bisection: times rise with the numbers, but for clocks that differ. @returns its number */
async function positionAt(prisma: PrismaClient, organizationSid: string, { trimmed, seq }: LogHead, time: Date): Promise<bigint> {
  let [before, since] = [trimmed, seq + 1n];
  while (since - before > 1n) {
    const middle = (before + since) / 2n;
    const event = await prisma.messageEvent.findUnique({
      where: { organizationSid_seq: { organizationSid, seq: middle } },
      select: { occurredAt: true },
    });
    // Retention may just have deleted it.
    if (!event || event.occurredAt < time) before = middle;
    else since = middle;
  }
  return before;
}
