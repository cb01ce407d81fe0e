import { expect, test } from 'vitest';
import { createFairness } from '../../src/admission/fairness.ts';

test('an account with a queue runs fewer operations at once while another account is active, lets that one go first, and still proceeds in order', async () => {
  const { run } = createFairness({ maxRunning: 3, maxRunningContended: 1, maxWaiting: 10 });
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const begin = (account: string, name: string, isAbandoned?: () => boolean) =>
    run(
      account,
      () => {
        begun.push(name);
        return new Promise<void>((resolve) => ends.set(name, resolve));
      },
      isAbandoned,
    );
  const end = async (name: string, ...running: Promise<void>[]) => {
    ends.get(name)?.();
    await Promise.all(running);
    await new Promise(setImmediate);
  };
  const [a1, a2, a3] = ['a1', 'a2', 'a3'].map((name) => begin('a', name)) as [Promise<void>, Promise<void>, Promise<void>];
  for (const name of ['a4', 'a5', 'a6']) void begin('a', name, () => name === 'a5');
  expect(begun).toEqual(['a1', 'a2', 'a3']);
  const b1 = begin('b', 'b1');
  expect(begun.slice(3)).toEqual(['b1']);
  await end('a1', a1);
  await end('a2', a2);
  await end('a3', a3);
  expect(begun.slice(4)).toEqual([]);
  await end('b1', b1);
  // It pauses first.
  await expect.poll(() => begun.slice(4), { interval: 1 }).toEqual(['a4']);
  // Others always have something running, and it gets on all the same.
  void begin('b', 'b2');
  await end('a4');
  // Nobody waited for the fifth any more.
  await expect.poll(() => begun.slice(5), { timeout: 5000 }).toEqual(['b2', 'a6']);
});
