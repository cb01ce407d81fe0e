import { filterWithBookmarks } from './bookmarks.ts';
import { EventFanOut } from './fan-out.ts';
import type { EventSelection } from './selection.ts';
import type { LiveEvent } from './tail.ts';
import type { Tails } from './tails.ts';
import type { FanOut, Reader, Renderer, Updates } from './updates.ts';

/** The fan-outs of this instance: one for each selection and renderer that have readers. */
interface FanOuts {
  /** How many readers there are in all fan-outs. */
  readonly readers: number;
  /** How many events the readers of the slowest one have still to be sent. */
  readonly behind: number;
  /** Adds a reader that has everything up to the tail's position to its fan-out. */
  join(selection: EventSelection, renderer: Renderer, reader: Reader): FanOut;
  /** Moves all readers to private streams. */
  stop(): void;
}

interface FanOutsOptions {
  readonly tails: Tails;
  readonly idleMs: number;
  readonly bufferSize: number;
  /** Opens a private stream for one reader. See EventFanOut for `after` and `missed`. */
  readonly openPrivate: (selection: EventSelection, after: bigint, missed: readonly (readonly LiveEvent[])[]) => Updates<object>;
}

export function createFanOuts({ tails, idleMs, bufferSize, openPrivate }: FanOutsOptions): FanOuts {
  const fanOuts = new Map<string, EventFanOut>();

  function start(key: string, selection: EventSelection, { render }: Renderer): EventFanOut {
    const { organizationSid, head, passes } = selection;
    const { tail, release } = tails.acquire(organizationSid, head);
    const select = filterWithBookmarks(head.logId, tail.position, passes);
    const fanOut = new EventFanOut({
      ...{ tail, idleMs, bufferSize, render },
      select: (events) => select(events).updates,
      openPrivate: (after, missed) => openPrivate(selection, after, missed),
      onEnd: () => {
        fanOuts.delete(key);
        release();
      },
    });
    fanOuts.set(key, fanOut);
    return fanOut;
  }

  return {
    get behind() {
      return [...fanOuts.values()].reduce((most, { behind }) => Math.max(most, behind), 0);
    },
    get readers() {
      return [...fanOuts.values()].reduce((sum, { size }) => sum + size, 0);
    },
    join: (selection, renderer, reader) => {
      const key = `${selection.key} ${renderer.key}`;
      const fanOut = fanOuts.get(key) ?? start(key, selection, renderer);
      fanOut.add(reader);
      return fanOut;
    },
    stop: () => {
      for (const fanOut of fanOuts.values()) fanOut.stop();
    },
  };
}
