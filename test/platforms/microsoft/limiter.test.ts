import { beforeEach, expect, test } from 'vitest';
import { NotYetError } from '../../../src/platforms/delivery-error.ts';
import { createLimiter, type Limiter, THREAD_LIMITS } from '../../../src/platforms/microsoft/limiter.ts';

const bot = { applicationId: 'app', tenantId: 'tenant', clientSecret: 'secret' };
let time: number;
let limiter: Limiter;
beforeEach(() => {
  time = 0;
  limiter = createLimiter({
    now: () => time,
    wait: async (ms) => {
      time += ms;
    },
  });
});

/** When each of so many requests to a thread leaves, in ms. */
async function times(count: number, thread = 'thread'): Promise<number[]> {
  const left: number[] = [];
  for (let index = 0; index < count; index += 1) {
    await limiter.turn(bot, thread, Number.POSITIVE_INFINITY);
    left.push(time);
  }
  return left;
}

test('observes every documented limit of a thread: 7 a second, 8 in 2 s, 60 in 30 s, 1,800 an hour', async () => {
  const left = await times(4000);
  for (const { count, perMs } of THREAD_LIMITS)
    for (const [index, at] of left.entries()) expect((left[index + count] ?? Number.POSITIVE_INFINITY) - at).toBeGreaterThanOrEqual(perMs);
  // As fast as they allow.
  expect(left[1799]).toBeLessThan(3_600_000);
});

test('observes 50 requests a second of an application in a tenant, over all threads', async () => {
  for (let index = 0; index < 50; index += 1) await limiter.turn(bot, `thread ${index}`, 0);
  await expect(limiter.turn(bot, 'another', 999)).rejects.toMatchObject({ waitMs: 1000 });
  await limiter.turn({ ...bot, tenantId: 'other' }, 'another', 0);
  time = 1000;
  await limiter.turn({ ...bot, applicationId: 'APP' }, 'another', 0);
});

test('refuses to wait too long, and then does not count the request', async () => {
  await times(7);
  await expect(limiter.turn(bot, 'thread', 100)).rejects.toBeInstanceOf(NotYetError);
  await times(1);
  await expect(limiter.turn(bot, 'thread', 100)).rejects.toBeInstanceOf(NotYetError);
});

test('delays all requests of a bot as long as Microsoft requests, but at most an hour', async () => {
  limiter.holdBack(bot, 5000);
  limiter.holdBack(bot, 1000);
  limiter.holdBack(bot, undefined);
  expect(limiter.heldBackMs(bot)).toBe(5000);
  await expect(limiter.turn(bot, 'any', 4999)).rejects.toMatchObject({ waitMs: 5000 });
  time = 5000;
  expect(limiter.heldBackMs(bot)).toBe(0);
  limiter.holdBack(bot, 86_400_000);
  expect(limiter.heldBackMs(bot)).toBe(3_600_000);
});

test('forgets unused threads', async () => {
  for (let index = 0; index < 20_000; index += 1) {
    time += 1000;
    await limiter.turn(bot, `thread ${index}`, 0);
  }
  expect(await times(1, 'thread 0')).toEqual([time]);
});
