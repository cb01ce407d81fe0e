import type { Logger } from 'pino';
import type { LogHead } from '../domain/events/events.ts';
import type { LogReader } from '../domain/events/read-events.ts';
import type { EventWithMessage } from '../domain/logged-event.ts';
import { startTail, type Tail } from './tail.ts';

/** The tails of the organizations that have readers on this instance: one each, counted by its users. */
export interface Tails {
  /**
   * Gets the organization's tail, and starts one at the log's head if there is none. Release it once for each call.
   */
  acquire(organizationSid: string, head: LogHead): Tail;
  /** Stops the organization's tail if this was its last user. */
  release(organizationSid: string): void;
  /**
   * Reads the organization's log now, if it has a tail.
   * @param event if it is the log's next one, nothing need be read
   */
  wake(organizationSid: string, event?: EventWithMessage): void;
  /** Reads every log now that has a tail. */
  wakeAll(): void;
}

interface TailsOptions {
  readonly sql: LogReader;
  readonly log: Logger;
  readonly pollMs: number;
}

export function createTails({ sql, log, pollMs }: TailsOptions): Tails {
  const tails = new Map<string, { readonly tail: Tail; users: number }>();
  return {
    acquire: (organizationSid, { logId, seq }) => {
      const held = tails.get(organizationSid);
      if (held) {
        held.users += 1;
        return held.tail;
      }
      const onError = (error: unknown) => log.error({ err: error, organizationSid }, 'cannot read the event log; retrying');
      const tail = startTail({ sql, organizationSid, logId, from: seq, pollMs, onError });
      tails.set(organizationSid, { tail, users: 1 });
      return tail;
    },
    release: (organizationSid) => {
      const held = tails.get(organizationSid);
      if (!held) return;
      held.users -= 1;
      if (held.users > 0) return;
      held.tail.stop();
      tails.delete(organizationSid);
    },
    wake: (organizationSid, event) => {
      const tail = tails.get(organizationSid)?.tail;
      if (event) tail?.offer(event);
      else tail?.wake();
    },
    wakeAll: () => {
      for (const { tail } of tails.values()) tail.wake();
    },
  };
}
