import type { PrismaClient } from '../../prisma/client/client.ts';
import type { Caller } from '../domain/caller.ts';
import { messageNotFound } from '../domain/errors.ts';
import { encodeEventCursor } from '../domain/events/event-cursor.ts';
import type { LogHead } from '../domain/events/events.ts';
import type { LiveEvent } from './tail.ts';

const TERMINAL = new Set(['DELIVERED', 'UNDELIVERED', 'FAILED', 'READ']);

/** Whether a message's subscription ends with this event. */
export const isTerminal = ({ status }: LiveEvent) => TERMINAL.has(status);

/**
 * Reads a message's latest event. If retention has deleted it, builds one from the message.
 * @param head the log's head, read before: an event that this misses has a higher seq than both
 * @throws NotFoundError MESSAGE_NOT_FOUND
 */
export async function currentStatus(prisma: PrismaClient, caller: Caller, head: LogHead, sid: string): Promise<LiveEvent> {
  const message = await prisma.message.findUnique({ where: { sid, organizationSid: caller.organizationSid } });
  if (!message || (caller.enterpriseSid && caller.enterpriseSid !== message.enterpriseSid)) throw messageNotFound(sid);
  const last = await prisma.messageEvent.findFirst({
    where: { organizationSid: caller.organizationSid, messageSid: sid },
    orderBy: { seq: 'desc' },
  });
  const { enterpriseSid, mappingSid, direction } = message;
  const event = last ?? {
    seq: head.trimmed,
    messageSid: sid,
    status: message.channelStatus,
    previousStatus: null,
    errorCode: message.channelErrorCode,
    errorMessage: message.channelErrorMessage,
    occurredAt: message.dateUpdated,
  };
  return { ...event, enterpriseSid, mappingSid, direction, cursor: encodeEventCursor(head.logId, event.seq) };
}
