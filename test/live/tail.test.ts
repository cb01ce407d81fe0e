import { afterEach, expect, test, vi } from 'vitest';
import type { LogReader } from '../../src/domain/events/read-events.ts';
import type { EventWithMessage } from '../../src/domain/logged-event.ts';
import { type EventStream, openStream } from '../../src/live/stream.ts';
import { type LiveEvent, startTail, type Tail } from '../../src/live/tail.ts';

/** A log in memory, as the database answers for it. */
class Log {
  events: { event_seq: string }[] = [];
  /** Whether the database is away. */
  away = false;
  /** Whether it is another database's. */
  isOther = false;
  reads = 0;

  append(count: number): void {
    for (let n = 0; n < count; n += 1) this.events.push({ event_seq: String(this.#appended++ + 1) });
  }

  trim(seq: bigint): void {
    this.events = this.events.filter((event) => BigInt(event.event_seq) > seq);
  }

  get sql(): LogReader {
    const read = async (_text: string, [, after, limit]: readonly unknown[]) => {
      this.reads += 1;
      await Promise.resolve();
      if (this.away) throw new Error('no database');
      return this.events.filter(({ event_seq }) => BigInt(event_seq) > (after as bigint)).slice(0, limit as number);
    };
    return { read } as unknown as LogReader;
  }

  #appended = 0;
}

const tails: Tail[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const tail of tails.splice(0)) tail.stop();
});

function follow(
  log: Log,
  {
    from = 0n,
    after = from,
    bufferSize = 1000,
    pollMs = 50,
    onError = () => {},
  }: { from?: bigint; after?: bigint; bufferSize?: number; pollMs?: number; onError?: () => void } = {},
) {
  const place = { sql: log.sql, inTurn: () => log.sql, organizationSid: 'OR1', logId: 'log' };
  const tail = startTail({ ...place, from, pollMs, isSame: async () => !log.isOther, onEnd: () => {}, onError });
  tails.push(tail);
  const open = (options: { after?: bigint; bufferSize?: number; inTurn?: (organizationSid: string) => LogReader } = {}) =>
    openStream({ ...place, tail, after, bufferSize, idleMs: 60_000, ...options });
  return { tail, open };
}

/** The numbers of the next events, at least so many. */
async function numbers(stream: EventStream, count: number): Promise<number[]> {
  const found: number[] = [];
  while (found.length < count) {
    const { value = [] } = (await stream.next()) as { value?: readonly LiveEvent[] };
    found.push(...value.map(({ seq }) => Number(seq)));
  }
  return found;
}

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, n) => n + first);

test('an unavailable database is retried only by the timer, is logged once, and no event is missed', async () => {
  vi.useFakeTimers();
  const log = new Log();
  const onError = vi.fn();
  const { tail, open } = follow(log, { pollMs: 1000, onError });
  const stream = open();
  const next = numbers(stream, 3);
  await vi.advanceTimersByTimeAsync(0);
  log.away = true;
  log.reads = 0;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(log.reads).toBeLessThanOrEqual(31);
  expect(onError).toHaveBeenCalledTimes(1);
  log.append(3);
  log.away = false;
  await vi.advanceTimersByTimeAsync(1000);
  expect(await next).toEqual([1, 2, 3]);
  log.away = true;
  await vi.advanceTimersByTimeAsync(2000);
  expect(onError).toHaveBeenCalledTimes(2);
  tail.stop();
});

test('a stream behind the tail replays by itself and joins it without a gap or a repetition; one ahead of it waits for new events', async () => {
  const log = new Log();
  log.append(1500);
  const { tail, open } = follow(log);
  await numbers(open(), 1);
  const behind = open();
  log.append(300);
  tail.wake();
  expect(await numbers(behind, 1800)).toEqual(upTo(1800));
  const ahead = open({ after: 1900n });
  const next = numbers(ahead, 1);
  log.append(105);
  tail.wake();
  expect((await next)[0]).toBe(1901);
});

test('what one stream reads waits for the turn of its organization; what all of them share does not', async () => {
  const log = new Log();
  log.append(700);
  const turns: string[] = [];
  const inTurn = (organizationSid: string) => {
    turns.push(organizationSid);
    return log.sql;
  };
  const { tail, open } = follow(log);
  await numbers(open(), 700);
  expect(turns).toEqual([]);
  const behind = open({ after: 300n, inTurn });
  expect(await numbers(behind, 400)).toEqual(upTo(700, 301));
  expect(turns).toEqual(['OR1', 'OR1']);
  log.append(5);
  tail.wake();
  expect(await numbers(behind, 5)).toEqual(upTo(705, 701));
  expect(turns).toHaveLength(2);
});

test('if retention overtakes a tail while the database is down, its followers get CURSOR_EXPIRED, and new ones are served', async () => {
  const log = new Log();
  const { tail, open } = follow(log);
  const stream = open();
  const next = stream.next();
  await Promise.resolve();
  log.away = true;
  log.append(10);
  log.trim(8n);
  log.away = false;
  tail.wake();
  await expect(next).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
  expect(await numbers(open({ after: 8n }), 2)).toEqual([9, 10]);
});

test('a replay that retention overtakes ends with CURSOR_EXPIRED', async () => {
  const log = new Log();
  log.append(1000);
  const { open } = follow(log, { from: 1000n, after: 0n });
  const stream = open();
  expect(await numbers(stream, 200)).toEqual(upTo(200));
  log.trim(500n);
  await expect(stream.next()).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
});

test('a reader gets the events in its buffer, then STREAM_OVERFLOW; the tail’s other readers miss nothing', async () => {
  const log = new Log();
  const { tail, open } = follow(log);
  const [slow, quick] = [open({ bufferSize: 10 }), open()];
  const first = slow.next();
  const all = numbers(quick, 30);
  log.append(8);
  tail.wake();
  await first;
  for (let count = 0; count < 22; count += 1) {
    log.append(1);
    tail.wake();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await all).toEqual(upTo(30));
  expect((await numbers(slow, 10)).at(-1)).toBe(18);
  await expect(slow.next()).rejects.toMatchObject({ code: 'STREAM_OVERFLOW' });
});

test('a closed stream leaves the tail at once, whether it waits, reads or is not read', async () => {
  const log = new Log();
  const { tail, open } = follow(log);
  let followers = 0;
  const join = tail.join.bind(tail);
  tail.join = (follower) => {
    followers += 1;
    const leave = join(follower);
    return () => {
      followers -= 1;
      leave();
    };
  };
  const unread = open();
  const waiting = open();
  const untouched = open();
  const next = unread.next();
  const waited = waiting.next();
  log.append(1);
  tail.wake();
  await Promise.all([next, waited]);
  const last = waiting.next();
  expect(followers).toBe(2);
  for (const stream of [unread, waiting, untouched]) stream.close();
  expect(await last).toEqual({ done: true, value: undefined });
  await new Promise((resolve) => setImmediate(resolve));
  expect(followers).toBe(0);
});

/** An event as the code that appended it offers it. */
const offered = (seq: number) => ({ seq: BigInt(seq) }) as EventWithMessage;

test('offered events that come next are passed on without reading the log; after a gap it is read; nothing is lost or repeated', async () => {
  const log = new Log();
  const { tail, open } = follow(log, { pollMs: 60_000 });
  const all = numbers(open(), 12);
  await new Promise((resolve) => setImmediate(resolve));
  log.reads = 0;
  log.append(3);
  for (const seq of [1, 2, 3]) tail.offer(offered(seq));
  await new Promise((resolve) => setImmediate(resolve));
  expect([tail.position, log.reads]).toEqual([3n, 0]);
  // Another instance appended the fourth.
  log.append(2);
  tail.offer(offered(5));
  await expect.poll(() => tail.position).toBe(5n);
  expect(log.reads).toBe(1);
  // Offered late, twice, and while the log is read.
  tail.offer(offered(5));
  log.append(4);
  tail.wake();
  for (const seq of [6, 7, 6, 8]) tail.offer(offered(seq));
  await expect.poll(() => tail.position).toBe(9n);
  log.append(3);
  for (const seq of [10, 11, 12]) tail.offer(offered(seq));
  expect(await all).toEqual(upTo(12));
});

test('once the log is another database’s, followers get CURSOR_INVALID, and none of its events', async () => {
  const log = new Log();
  log.append(5);
  const { open } = follow(log);
  const stream = open();
  await numbers(stream, 5);
  const next = stream.next();
  // It has lost two, and gone on to beyond what is known.
  log.isOther = true;
  log.append(3);
  await expect(next).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
});
