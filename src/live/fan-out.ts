import { setImmediate as turnOfOthers } from 'node:timers/promises';
import { isGap } from '../domain/messages/events.ts';
import type { LiveEvent, Tail } from './tail.ts';
import type { FanOut, Reader, Rendered, Sharing, Updates } from './updates.ts';

/** Readers of one operation with the same variables, filter and rights, who are all level with the tail. */
export interface EventFanOut extends FanOut {
  readonly size: number;
  /** Adds a reader who has everything up to `tail.position`. */
  add(reader: Reader): void;
  /** Has every reader go on alone, to its end. */
  stop(): void;
}

interface Options {
  readonly tail: Tail;
  /** Of events that follow one another, or none where there was none for a while, what readers are sent. */
  readonly select: (events: readonly LiveEvent[]) => readonly object[];
  readonly render: Sharing['render'];
  /** A stream for one reader, who has everything up to `after`, and of what the tail has behind that not yet what it `missed`. */
  readonly alone: (after: bigint, missed: readonly (readonly LiveEvent[])[]) => Updates<object>;
  /** The last reader has left. */
  readonly ended: () => void;
  /** How long there is no event until readers are told where they are, in ms. */
  readonly idleMs: number;
  /** How many events may wait for their answers to be made. */
  readonly bufferSize: number;
}

/** How much a reader is given at once, in characters of JSON, but for an answer that alone is longer: what waits for a slow one is no more. */
const AT_ONCE = 16 * 1024;
/** After so many readers it's the turn of everything else that the process does. */
const TURN = 500;

/**
 * Gives each of the tail's batches to all readers in one pass: selected, executed and serialized once, with nothing kept for a reader but its
 * place among them. A fan-out knows the plain case only. A reader who does not keep up, and all where something fails, go on with streams of
 * their own, which know every other.
 */
export function startFanOut({ tail, select, render, alone, ended, idleMs, bufferSize }: Options): EventFanOut {
  /** Each with the number of the last event that it had when it joined. */
  const readers = new Map<Reader, bigint>();
  let waiting: (readonly LiveEvent[])[] = [];
  let running = false;
  /** The numbers of the last event that was looked at, and the last that came. */
  let position = tail.position;
  let pushed = position;
  const idle = setInterval(() => {
    if (!running) push([]);
  }, idleMs);
  const leave = tail.join({
    get position() {
      return pushed;
    },
    push: (events) => {
      idle.refresh();
      pushed = events.at(-1)?.seq ?? pushed;
      push(events);
    },
  });

  function push(events: readonly LiveEvent[]): void {
    waiting.push(events);
    if (!running) void run();
  }

  async function run(): Promise<void> {
    running = true;
    while (waiting.length > 0) {
      const batches = waiting;
      const events = batches.flat();
      waiting = [];
      if (events.length > bufferSize || isGap(position, events)) return dismissAll(batches);
      const updates = select(events);
      const answers = await render(updates).catch(() => undefined);
      if (!answers) return dismissAll(batches);
      await hand(events, updates, answers);
      position = events.at(-1)?.seq ?? position;
    }
    running = false;
  }

  async function hand(events: readonly LiveEvent[], updates: readonly object[], answers: readonly Rendered[]): Promise<void> {
    const to = events.at(-1)?.seq ?? position;
    const missedBehind = (seq: bigint) => behind(seq, [events, ...waiting]);
    let sent = position;
    for (const { begin, end } of portions(answers)) {
      const portion = answers.slice(begin, end);
      let served = 0;
      for (const [reader, since] of readers) {
        // Of a batch that came while its answers were made, it may have the beginning, or all.
        if (since > position && since < to) dismiss(reader, since, missedBehind(since));
        else if (since <= position && !reader.take(portion)) dismiss(reader, sent, missedBehind(sent));
        served += 1;
        if (served % TURN === 0) await turnOfOthers();
      }
      const last = updates[end - 1] as Partial<LiveEvent>;
      sent = last.seq ?? to;
    }
  }

  function dismiss(reader: Reader, after: bigint, missed: readonly (readonly LiveEvent[])[]): void {
    const updates = alone(after, missed);
    remove(reader);
    reader.goOn(updates);
  }

  /** Ends with the last of them. @param batches those that were taken of the ones that wait */
  function dismissAll(batches: readonly (readonly LiveEvent[])[]): void {
    const missed = [...batches, ...waiting];
    for (const [reader, since] of readers) {
      // biome-ignore lint/complexity/useMathMinMax: Math.max takes no bigint
      const after = since > position ? since : position;
      dismiss(reader, after, behind(after, missed));
    }
  }

  function remove(reader: Reader): void {
    if (!readers.delete(reader) || readers.size > 0) return;
    leave();
    clearInterval(idle);
    waiting = [];
    ended();
  }

  return {
    get size() {
      return readers.size;
    },
    add: (reader) => readers.set(reader, pushed),
    remove,
    stop: () => {
      for (const reader of readers.keys()) dismiss(reader, position, []);
    },
  };
}

const behind = (after: bigint, batches: readonly (readonly LiveEvent[])[]) =>
  batches.map((events) => events.filter(({ seq }) => seq > after)).filter(({ length }) => length > 0);

/** Where the portions begin and end in which readers are given answers. */
function* portions(answers: readonly Rendered[]) {
  let begin = 0;
  let size = 0;
  for (const [index, { json }] of answers.entries()) {
    if (size > 0 && size + json.length > AT_ONCE) {
      yield { begin, end: index };
      begin = index;
      size = 0;
    }
    size += json.length;
  }
  if (begin < answers.length) yield { begin, end: answers.length };
}
