import { expect, test } from 'vitest';
import { createSharedReads } from '../../src/live/shared-reads.ts';

/** A read that the test ends. */
function heldRead() {
  const ends: ((result: number) => void)[] = [];
  const read = () => new Promise<number>((resolve) => ends.push(resolve));
  return { read, ends };
}

test('all who ask in one turn share a read, and those who ask while it runs share the next one', async () => {
  const shared = createSharedReads<number>();
  const { read, ends } = heldRead();
  const first = Promise.all(Array.from({ length: 20 }, () => shared('key', read)));
  await expect.poll(() => ends.length).toBe(1);
  const second = Promise.all(Array.from({ length: 20 }, () => shared('key', read)));
  const other = shared('other key', read);
  await expect.poll(() => ends.length).toBe(2);
  ends[1]?.(0);
  expect(await other).toBe(0);
  ends[0]?.(1);
  expect(await first).toEqual(Array(20).fill(1));
  await expect.poll(() => ends.length).toBe(3);
  ends[2]?.(2);
  expect(await second).toEqual(Array(20).fill(2));
});

test('a read that fails fails for those who shared it, and the next one begins', async () => {
  const shared = createSharedReads<number>();
  const failing = Array.from({ length: 2 }, () => shared('key', () => Promise.reject(new Error('refused'))));
  const failures = Promise.allSettled(failing);
  await new Promise(setImmediate);
  const next = shared('key', async () => 1);
  expect((await failures).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await next).toBe(1);
});
