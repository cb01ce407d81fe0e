import { expect, test } from 'vitest';
import { createQueue, QueueFullError } from '../../src/domain/turns.ts';

/** Work that lasts until it is ended. */
function createWork() {
  const running: string[] = [];
  const began: string[] = [];
  const ends = new Map<string, () => void>();
  let most = 0;
  return {
    began,
    mostAtOnce: () => most,
    of: (name: string) => () =>
      new Promise<string>((resolve) => {
        running.push(name);
        began.push(name);
        most = Math.max(most, running.length);
        ends.set(name, () => {
          running.splice(running.indexOf(name), 1);
          resolve(name);
        });
      }),
    endAll: async () => {
      while (running.length > 0) {
        ends.get(running[0] as string)?.();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

test('at most the given number of jobs runs at once, origins take turns, and jobs without an origin go first', async () => {
  const queue = createQueue({ concurrency: 2, maxWaiting: 10, maxWaitingPerOrigin: 5 });
  const work = createWork();
  const all = ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'c1', 'b2'].map((name) => queue.run(work.of(name), name.charAt(0)));
  all.push(queue.run(work.of('urgent')));
  await work.endAll();
  expect(await Promise.all(all)).toHaveLength(9);
  expect(work.began).toEqual(['a1', 'a2', 'urgent', 'a3', 'b1', 'c1', 'a4', 'b2', 'a5']);
  expect(work.mostAtOnce()).toBe(2);
});

test('jobs beyond the bound of their origin, or the total bound, are refused', async () => {
  const queue = createQueue({ concurrency: 1, maxWaiting: 3, maxWaitingPerOrigin: 2 });
  const work = createWork();
  const run = (origin?: string) => queue.run(work.of(`${origin}${work.began.length}`), origin);
  const good = [run('a'), run('a'), run('a')];
  await expect(run('a')).rejects.toThrow(QueueFullError);
  good.push(run('b'));
  await expect(run('c')).rejects.toThrow(QueueFullError);
  good.push(run());
  await work.endAll();
  expect(await Promise.all(good)).toHaveLength(5);
  expect(work.mostAtOnce()).toBe(1);
});

test('a job that fails makes room', async () => {
  const queue = createQueue({ concurrency: 1, maxWaiting: 1, maxWaitingPerOrigin: 1 });
  const [failed, next] = [
    queue.run(async () => {
      throw new Error('failed');
    }, 'a'),
    queue.run(async () => 'done', 'b'),
  ];
  await expect(failed).rejects.toThrow('failed');
  expect(await next).toBe('done');
});
