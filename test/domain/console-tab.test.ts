import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type ConsoleTab, keepConsoleTab } from '../../src/domain/console-tab.ts';

interface Read {
  readonly resolve: (isShown: boolean) => void;
  readonly reject: (error: Error) => void;
}

let reads: Read[];
let tab: ConsoleTab;
const warn = vi.fn();

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  reads = [];
  warn.mockClear();
  tab = keepConsoleTab({
    read: () => new Promise((resolve, reject) => reads.push({ resolve, reject })),
    log: { ...pino({ level: 'silent' }), warn },
  });
});
afterEach(() => vi.useRealTimers());

/** Has the tab read once. */
async function known(isShown: boolean) {
  const asked = tab.isShown();
  reads.at(-1)?.resolve(isShown);
  expect(await asked).toBe(isShown);
}

test('whether there is a tab is read once for all who ask within seconds', async () => {
  const asked = Array.from({ length: 100 }, () => tab.isShown());
  reads[0]?.resolve(true);
  expect(new Set(await Promise.all(asked))).toEqual(new Set([true]));
  vi.advanceTimersByTime(14_000);
  expect(await tab.isShown()).toBe(true);
  expect(reads).toHaveLength(1);
});

test('while it is read again, the former answer is given', async () => {
  await known(true);
  vi.advanceTimersByTime(16_000);
  expect(await Promise.all([tab.isShown(), tab.isShown()])).toEqual([true, true]);
  expect(reads).toHaveLength(2);
  reads[1]?.resolve(false);
  await vi.waitFor(async () => expect(await tab.isShown()).toBe(false));
  expect(reads).toHaveLength(2);
});

test('there is none while that cannot be read, or takes too long', async () => {
  expect(await tab.isShown()).toBe(false);
  const asked = tab.isShown();
  expect(reads).toHaveLength(1);
  reads[0]?.reject(new Error('no database'));
  expect(await asked).toBe(false);
  expect(await tab.isShown()).toBe(false);
  expect([reads.length, warn.mock.calls.length]).toEqual([1, 1]);
  vi.advanceTimersByTime(70_000);
  await known(true);
});

test('what was read before a setting was changed is not kept', async () => {
  const before = tab.isShown();
  tab.drop();
  reads[0]?.resolve(false);
  await before;
  await known(true);
  expect(reads).toHaveLength(2);
});
