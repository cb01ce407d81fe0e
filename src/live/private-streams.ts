import type { LogHead } from '../domain/events/events.ts';
import type { LogReader } from '../domain/events/read-events.ts';
import { type EventStream, openStream } from './stream.ts';
import type { LiveEvent } from './tail.ts';
import type { Tails } from './tails.ts';

/** The open private streams: those that are not part of a fan-out. */
interface PrivateStreams {
  readonly size: number;
  /** How many events the furthest one is behind. */
  readonly behind: number;
  /** Opens a stream. See openStream for `after` and `missed`. */
  open(organizationSid: string, head: LogHead, after: bigint, missed?: readonly (readonly LiveEvent[])[]): EventStream;
  /** Closes all streams, and every new one at once. */
  stop(): void;
}

interface PrivateStreamsOptions {
  readonly inTurn: (organizationSid: string) => LogReader;
  readonly tails: Tails;
  readonly idleMs: number;
  readonly bufferSize: number;
}

export function createPrivateStreams({ inTurn, tails, idleMs, bufferSize }: PrivateStreamsOptions): PrivateStreams {
  const streams = new Set<EventStream>();
  let stopped = false;
  return {
    get size() {
      return streams.size;
    },
    get behind() {
      let most = 0;
      for (const stream of streams) most = Math.max(most, stream.behind());
      return most;
    },
    open: (organizationSid, head, after, missed) => {
      const { tail, release } = tails.acquire(organizationSid, head);
      const stream = openStream({ inTurn, organizationSid, logId: head.logId, tail, after, missed, idleMs, bufferSize });
      const counted: EventStream = {
        next: stream.next,
        isCaughtUp: stream.isCaughtUp,
        behind: stream.behind,
        close: () => {
          stream.close();
          if (streams.delete(counted)) release();
        },
      };
      streams.add(counted);
      if (stopped) counted.close();
      return counted;
    },
    stop: () => {
      stopped = true;
      for (const stream of streams) stream.close();
    },
  };
}
