import { expect, test, vi } from 'vitest';
import { gather } from '../../../src/database/batches/gather.ts';

test('requests return in order, in batches of a bounded size; two batches of a kind run at once, and other kinds wait for none', async () => {
  const batches: number[][] = [];
  const ends: (() => void)[] = [];
  const add = gather<number>(
    (batch) => {
      batches.push([...batch]);
      return new Promise((resolve) => ends.push(resolve));
    },
    () => 3,
  );
  for (let number = 1; number <= 10; number += 1) add('kind', number);
  await vi.waitFor(() =>
    expect(batches).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]),
  );
  add('other', 100);
  await vi.waitFor(() => expect(batches.at(-1)).toEqual([100]));
  ends[0]?.();
  await vi.waitFor(() => expect(batches.at(-1)).toEqual([7, 8, 9]));
  ends[1]?.();
  await vi.waitFor(() => expect(batches.at(-1)).toEqual([10]));
  expect(batches).toHaveLength(5);
});

test('the first request of a batch waits for others as long as it says, and one without a wait only for the rest of its turn', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setImmediate'] });
  try {
    const batches: number[][] = [];
    const add = gather<number>(
      async (batch) => void batches.push([...batch]),
      () => 10,
      (first) => first,
    );
    add('waits', 8);
    vi.advanceTimersByTime(5);
    add('waits', 3);
    add('at once', 0);
    vi.advanceTimersByTime(0);
    expect(batches).toEqual([[0]]);
    vi.advanceTimersByTime(3);
    expect(batches).toEqual([[0], [8, 3]]);
  } finally {
    vi.useRealTimers();
  }
});
