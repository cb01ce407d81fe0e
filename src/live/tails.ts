import type { Logger } from 'pino';
import { isSameLog, type LogHead } from '../domain/events/events.ts';
import type { LogReader } from '../domain/events/read-events.ts';
import type { EventWithMessage } from '../domain/logged-event.ts';
import { startTail, type Tail } from './tail.ts';

/** A user's part in a tail. */
interface TailLease {
  readonly tail: Tail;
  /** Stops the tail if this was its last user. Call it once. */
  release(): void;
}

/** The tails of the organizations that have readers on this instance: one each, counted by its users; another while a log has got another id. */
export interface Tails {
  /**
   * Gets the organization's tail, and starts one at the log's head if there is none.
   */
  acquire(organizationSid: string, head: LogHead): TailLease;
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
  const tails = new Map<string, Set<SharedTail>>();

  function remove(organizationSid: string, shared: SharedTail): void {
    const all = tails.get(organizationSid);
    all?.delete(shared);
    if (all?.size === 0) tails.delete(organizationSid);
  }

  function start(organizationSid: string, { logId, seq }: LogHead): SharedTail {
    const tail = startTail({
      ...{ sql, organizationSid, logId, from: seq, pollMs },
      isSame: (position) => isSameLog(sql, organizationSid, logId, position),
      onEnd: () => {
        log.warn({ organizationSid }, 'the event log is no longer the same; its streams end');
        remove(organizationSid, shared);
      },
      onError: (error) => log.error({ err: error, organizationSid }, 'cannot read the event log; retrying'),
    });
    const shared: SharedTail = { tail, logId, users: 0 };
    tails.set(organizationSid, (tails.get(organizationSid) ?? new Set()).add(shared));
    return shared;
  }

  return {
    acquire: (organizationSid, head) => {
      const held = [...(tails.get(organizationSid) ?? [])].find(({ logId }) => logId === head.logId);
      const shared = held ?? start(organizationSid, head);
      shared.users += 1;
      return {
        tail: shared.tail,
        release: () => {
          shared.users -= 1;
          if (shared.users > 0) return;
          shared.tail.stop();
          remove(organizationSid, shared);
        },
      };
    },
    wake: (organizationSid, event) => {
      for (const { tail } of tails.get(organizationSid) ?? []) {
        if (event) tail.offer(event);
        else tail.wake();
      }
    },
    wakeAll: () => {
      for (const all of tails.values()) for (const { tail } of all) tail.wake();
    },
  };
}

interface SharedTail {
  readonly tail: Tail;
  readonly logId: string;
  users: number;
}
