import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { PrismaClient } from '../../prisma/client/client.ts';
import type { Caller } from '../../src/domain/caller.ts';
import { encodeEventCursor, positionOf } from '../../src/domain/events/event-cursor.ts';
import type { LogReader } from '../../src/domain/events/read-events.ts';
import type { LiveUpdate } from '../../src/live/bookmarks.ts';
import { createLive, type Live } from '../../src/live/live.ts';
import type { FanOut, Reader, Rendered, Updates } from '../../src/live/updates.ts';

const LOG_ID = '00000000-0000-4000-8000-000000000000';
const caller: Caller = { organizationSid: 'OR1', accountSid: 'AC1', permissions: new Set(['read']), requestId: '1' };

/** A log in memory, as the database answers for it. Every third event is another enterprise's. */
class Log {
  events: { event_seq: string; enterpriseSid: string }[] = [];
  trimmed = 0n;
  readonly sql = {
    read: async (text: string, [, after, limit]: readonly unknown[]) => {
      await turn();
      // Nobody restores it: it is always the same log.
      if (text.includes('event_log_source')) return [{}];
      return this.events.filter(({ event_seq }) => BigInt(event_seq) > (after as bigint)).slice(0, limit as number);
    },
  } as unknown as LogReader;
  readonly prisma = {
    $queryRaw: async () => [{ logId: LOG_ID, seq: BigInt(this.#appended), trimmed: this.trimmed, isOwn: true }],
  } as unknown as PrismaClient;
  #appended = 0;

  append(count: number): void {
    for (let n = 0; n < count; n += 1) {
      this.#appended += 1;
      this.events.push({ event_seq: String(this.#appended), enterpriseSid: `EN${this.#appended % 3}` });
    }
  }

  trim(): void {
    this.trimmed = BigInt(this.#appended);
    this.events = [];
  }
}

const placeOf = (cursor: string) => Number(positionOf(cursor, { logId: LOG_ID, seq: 10n ** 9n, trimmed: 0n }));

/** How often each batch of updates was made into answers. */
let renders = 0;
let failing = false;
/** Until that is done. */
let made: () => Promise<unknown> = turn;

/** A client whose socket is full now and then. */
class Client implements Reader {
  /** The places of the events that it was sent, and of the bookmarks. */
  readonly got: number[] = [];
  readonly bookmarks: number[] = [];
  fanOut: FanOut | undefined;
  error: unknown;
  #updates: Updates<object> | undefined;

  constructor(readonly isFull: () => boolean) {}

  async follow(updates: Updates<object>): Promise<void> {
    this.#updates = updates;
    try {
      for (;;) {
        const { done, value } = await updates.next();
        if (done) return;
        await this.#send((value as LiveUpdate).cursor, 'bookmark' in value);
        this.fanOut = updates.share({ key: 'operation', render }, this);
        if (this.fanOut) return;
      }
    } catch (error) {
      this.error = error;
    }
  }

  take(answers: readonly Rendered[]): boolean {
    if (this.isFull()) return false;
    for (const { cursor = '', json } of answers) this.#note(cursor, json.startsWith('"bookmark'));
    return true;
  }

  resume(updates: Updates<object>): void {
    this.fanOut = undefined;
    void this.follow(updates);
  }

  leave(): void {
    this.fanOut?.remove(this);
    void this.#updates?.return();
  }

  get place(): number {
    return Math.max(...this.got, ...this.bookmarks);
  }

  async #send(cursor: string, isBookmark: boolean): Promise<void> {
    this.#note(cursor, isBookmark);
    await turn();
  }

  #note(cursor: string, isBookmark: boolean): void {
    (isBookmark ? this.bookmarks : this.got).push(placeOf(cursor));
  }
}

async function render(updates: readonly object[]): Promise<Rendered[]> {
  renders += 1;
  await made();
  if (failing) throw new Error('no answer');
  // Long, so that a batch has several portions.
  return updates.map((update) => ({
    json: JSON.stringify(`${'bookmark' in update ? 'bookmark' : 'event'} ${'x'.repeat(6000)}`),
    cursor: (update as LiveUpdate).cursor,
  }));
}

function start(log: Log, options: { idleMs?: number; bufferSize?: number } = {}): Live {
  renders = 0;
  failing = false;
  made = turn;
  return createLive({ prisma: log.prisma, sql: log.sql, inTurn: () => log.sql, log: pino({ enabled: false }), pollMs: 5, ...options });
}

const between = (after: number, last: number, passes = (_seq: number) => true) =>
  Array.from({ length: last - after }, (_, n) => after + n + 1).filter(passes);

test('while readers join, leave and are too slow, each gets every later event that passes its filter, once and in order', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ do: fc.constant('join' as const), filtered: fc.boolean(), behind: fc.boolean() }),
    fc.record({ do: fc.constant('leave' as const), which: fc.nat(20) }),
    fc.record({ do: fc.constant('wait' as const), turns: fc.nat(10) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), fc.infiniteStream(fc.nat(15)), async (steps, chance) => {
      const log = new Log();
      log.append(5);
      const live = start(log);
      made = async () => {
        for (let n = chance.next().value as number; n > 0; n -= 1) await turn();
      };
      const clients: { client: Client; filtered: boolean; from: number; left?: boolean }[] = [];
      for (const now of steps) {
        if (now.do === 'append') {
          log.append(now.count);
          live.wake('OR1');
        } else if (now.do === 'join') {
          const { filtered, behind } = now;
          const from = behind ? 2 : log.events.length;
          const filter = filtered ? { enterpriseSids: ['EN1'] } : {};
          const updates = await live.messageEvents(caller, filter, behind ? encodeEventCursor(LOG_ID, 2n) : undefined);
          const client = new Client(() => (chance.next().value as number) > 11);
          void client.follow(updates);
          clients.push({ client, filtered, from });
        } else if (now.do === 'leave') {
          const leaving = clients[now.which];
          if (leaving) leaving.left = true;
          leaving?.client.leave();
        } else for (let n = 0; n < now.turns; n += 1) await turn();
      }
      // The last is enterprise 1's, so that all have it.
      do log.append(1);
      while (log.events.length % 3 !== 1);
      const last = log.events.length;
      live.wake('OR1');
      for (const { client, filtered, from, left } of clients) {
        const passes = (seq: number) => !filtered || seq % 3 === 1;
        if (!left) await expect.poll(() => client.got.at(-1), { interval: 1 }).toBe(last);
        expect(client.error).toBeUndefined();
        expect(client.got).toEqual(between(from, left ? client.place : last, passes).slice(0, client.got.length));
        // A bookmark never takes a reader back, nor past what it has not got.
        for (const place of client.bookmarks) expect(place).toBeGreaterThanOrEqual(from);
        client.leave();
      }
      await expect.poll(() => live.streams, { interval: 1 }).toBe(0);
    }),
    { numRuns: Number(process.env.FAN_OUT_RUNS ?? 40) },
  );
});

/** Readers who are all in the fan-out. */
async function joined(live: Live, count: number, isFull = () => false): Promise<Client[]> {
  const clients = Array.from({ length: count }, () => new Client(isFull));
  for (const client of clients) void client.follow(await live.messageEvents(caller, {}, undefined));
  await expect.poll(() => clients.every(({ fanOut }) => fanOut), { interval: 1 }).toBe(true);
  return clients;
}

test('each result is rendered once for all readers', async () => {
  const log = new Log();
  const live = start(log);
  const clients = await joined(live, 1200);
  log.append(7);
  live.wake('OR1');
  for (const { got } of [clients[0], clients[1199]] as Client[]) await expect.poll(() => got).toEqual(between(0, 7));
  expect(renders).toBe(1);
  for (const client of clients) client.leave();
  expect(live.streams).toBe(0);
});

test('a reader that joins between batches that wait to be rendered gets only the later ones, even if they are rendered together', async () => {
  const log = new Log();
  const live = start(log);
  const clients = await joined(live, 1);
  let make = () => {};
  made = () => new Promise<void>((resolve) => (make = resolve));
  for (let count = 1; count <= 3; count += 1) {
    log.append(2);
    // Once the tail has it, one who begins now joins behind it.
    const own = new Client(() => false);
    void own.follow(await live.messageEvents(caller, {}, encodeEventCursor(LOG_ID, BigInt(2 * count - 2))));
    live.wake('OR1');
    await expect.poll(() => own.fanOut, { interval: 1 }).toBeDefined();
    clients.push(own);
  }
  log.append(2);
  live.wake('OR1');
  made = turn;
  make();
  for (const [index, client] of clients.entries()) {
    await expect.poll(() => client.got, { interval: 1 }).toEqual(between(Math.max(0, 2 * index - 2), 8));
    client.leave();
  }
});

test('readers of a quiet log get bookmarks', async () => {
  const live = start(new Log(), { idleMs: 20 });
  const [one, other] = (await joined(live, 2)) as [Client, Client];
  await expect.poll(() => Math.min(one.bookmarks.length, other.bookmarks.length)).toBeGreaterThan(3);
  live.stop();
});

test('failed results, events deleted by retention, and overflows are handled by each reader’s own stream', async () => {
  const log = new Log();
  const live = start(log, { bufferSize: 10 });
  const [failed] = (await joined(live, 1)) as [Client];
  failing = true;
  log.append(3);
  live.wake('OR1');
  await expect.poll(() => failed.got).toEqual([1, 2, 3]);
  failing = false;
  failed.leave();

  const [flooded] = (await joined(live, 1)) as [Client];
  log.append(11);
  live.wake('OR1');
  await expect.poll(() => flooded.error).toMatchObject({ code: 'STREAM_OVERFLOW' });

  const [expired] = (await joined(live, 1)) as [Client];
  log.append(2);
  log.trim();
  log.append(1);
  live.wake('OR1');
  await expect.poll(() => expired.error).toMatchObject({ code: 'CURSOR_EXPIRED' });
  expect(live.streams).toBe(0);
});

test('readers of a gateway that stops are released, and none can join anymore', async () => {
  const log = new Log();
  const live = start(log);
  const clients = await joined(live, 3);
  live.stop();
  expect(live.streams).toBe(0);
  expect(clients.map(({ fanOut }) => fanOut)).toEqual([undefined, undefined, undefined]);
});
