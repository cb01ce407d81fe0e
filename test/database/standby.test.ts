import type { QueryResultRow } from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LostInterestError, TookTooLongError } from '../../src/database/interest.ts';
import type { Sql } from '../../src/database/sql.ts';
import { type ListRead, readFromStandby, type Standby } from '../../src/database/standby.ts';
import { until } from '../support/exchange.ts';

// What test/faults/standby.test.ts cannot time: servers that answer when the test says so.

/** Runs no statement: each gives what the test wants. */
const answering = (read: () => unknown, list: () => Promise<unknown>) =>
  ({
    read: async () => [await read()],
    query: async () => [await list()],
    queryBriefly: async () => [await list()],
    readTogether: async () => [await list()],
  }) as unknown as Sql;

let position: number;
/** Whether the primary says where it is. */
let isAsked: boolean;
let replayed: number | null;
let looks: number;
let onLook: (() => number | null) | undefined;
let onStandby: () => Promise<{ by: string }>;
let reads: ListRead[];
let warned: unknown[];
let standby: Standby;

beforeEach(async () => {
  [position, isAsked, replayed, looks, reads] = [100, true, 100, 0, []];
  onStandby = async () => ({ by: 'standby' });
  [warned, onLook] = [[], undefined];
  standby = readFromStandby({
    primary: answering(
      () => {
        if (!isAsked) throw new Error('the primary is shutting down');
        return { position, cluster: '7' };
      },
      async () => ({ by: 'primary' }),
    ),
    standby: answering(
      () => Promise.reject(new Error('a look must not wait for lists')),
      () => onStandby(),
    ),
    looks: answering(
      () => {
        looks += 1;
        return { replayed: onLook ? onLook() : replayed, cluster: '7' };
      },
      () => Promise.reject(new Error('a list must not delay looks')),
    ),
    observe: (read) => reads.push(read),
    log: { ...pino({ level: 'silent' }), warn: (...line: unknown[]) => void warned.push(line) },
  });
  standby.reached('started at eight');
  await until(async () => standby.awayFor() === 0);
  looks = 0;
});
afterEach(() => standby.close());

const list = async () => (await standby.sql.query<QueryResultRow>('SELECT', []))[0];

test('a standby that is known to have everything is not asked again', async () => {
  expect(await list()).toEqual({ by: 'standby' });
  expect(looks).toBe(0);
  position = 200;
  replayed = 250;
  expect(await list()).toEqual({ by: 'standby' });
  expect(looks).toBe(1);
});

test('reads of one turn ask once', async () => {
  [position, replayed] = [200, 200];
  await Promise.all(Array.from({ length: 50 }, list));
  expect(looks).toBe(1);
});

test('a read waits until the standby has what was committed before it', async () => {
  position = 200;
  const listed = list();
  await until(async () => looks > 2);
  replayed = 200;
  expect(await listed).toEqual({ by: 'standby' });
  expect(reads).toEqual(['standby']);
});

test('a standby that was restarted is asked again, since it may have replayed less than before', async () => {
  [position, replayed] = [100, 50];
  standby.reached('started at nine');
  expect(await list()).toEqual({ by: 'primary' });
  expect(reads).toEqual(['behind']);
});

test('what a standby answers that was restarted since it was waited for is not used', async () => {
  onStandby = async () => {
    standby.reached('started at nine');
    return { by: 'restarted' };
  };
  expect(await list()).toEqual({ by: 'primary' });
  expect(reads).toEqual(['away']);
});

test('a standby that was promoted is not read from', async () => {
  [position, replayed] = [200, null];
  expect(await list()).toEqual({ by: 'primary' });
  expect(reads).toEqual(['away']);
});

test('a standby that the primary refuses is not read from, though it appears to follow for a moment at each try', async () => {
  [position, replayed] = [200, null];
  await list();
  const at = looks;
  // Each try is seen once, and has ended by the next look.
  onLook = () => ((looks - at) % 2 === 1 ? 300 : null);
  await until(async () => looks >= at + 4);
  expect(standby.awayFor()).toBeGreaterThan(0);
  onLook = () => 300;
  await until(async () => standby.awayFor() === 0);
  expect(await list()).toEqual({ by: 'standby' });
});

test('a standby that is far behind is looked at seldom, and read from once it is not', async () => {
  [position, replayed] = [200, 100];
  expect(await list()).toEqual({ by: 'primary' });
  const [at, began] = [looks, performance.now()];
  await until(async () => looks >= at + 20);
  expect(performance.now() - began).toBeGreaterThan(2000);
  replayed = 200;
  await until(async () => standby.awayFor() === 0);
});

test('a statement that nobody waits for any more is not repeated on the primary', async () => {
  onStandby = () => Promise.reject(new LostInterestError());
  await expect(list()).rejects.toThrow(LostInterestError);
  expect(reads).toEqual([]);
});

test('a statement that must be brief is not repeated on the primary after it took too long', async () => {
  expect(await standby.sql.queryBriefly('SELECT', [])).toEqual([{ by: 'standby' }]);
  reads = [];
  onStandby = () => Promise.reject(new TookTooLongError());
  await expect(standby.sql.queryBriefly('SELECT', [])).rejects.toThrow(TookTooLongError);
  expect(reads).toEqual([]);
});

test('a primary that does not say where it is answers itself, and the standby is not left for it', async () => {
  isAsked = false;
  expect(await list()).toEqual({ by: 'primary' });
  expect(reads).toEqual(['unknown']);
  expect(standby.awayFor()).toBe(0);
  expect(warned).toEqual([]);
  isAsked = true;
  expect(await list()).toEqual({ by: 'standby' });
});
