import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { type Channel, type OpenChannel, startNotifier } from '../../src/channels/notify.ts';
import { postgresChannel } from '../../src/channels/postgres-channel.ts';
import { redisChannel } from '../../src/channels/redis-channel.ts';
import type { Platform } from '../../src/domain/hints.ts';
import { createTestPlace, type TestPlace } from '../support/database.ts';
import { nowhere } from '../support/failure.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';

const log = pino({ level: 'silent' });

/** An instance, and what wakes it. */
function instance(openChannel?: OpenChannel) {
  const woken: string[] = [];
  let connections = 0;
  const here = {
    queued: (platform?: Platform) => woken.push(platform ? `queued ${platform}` : 'queued'),
    appended: (sid: string) => woken.push(sid),
    healthChanged: (sid: string) => woken.push(`health of ${sid}`),
    missed: () => (connections += 1),
  };
  const notifier = startNotifier({ here: { ...here, missed: () => void here.missed() }, openChannel });
  return {
    ...notifier,
    woken,
    connected: (times = 1) => expect.poll(() => connections, { timeout: 15_000 }).toBeGreaterThanOrEqual(times),
    has: (...hints: string[]) => expect.poll(() => woken).toEqual(hints),
  };
}

describe('hints in one process', () => {
  test('wake this instance without any channel, for events at once', async () => {
    const alone = instance();
    alone.hints.queued();
    alone.hints.appended('OR1');
    expect(alone.woken).toEqual(['OR1']);
    await alone.has('OR1', 'queued');
    await alone.close();
  });

  test('of one commit leave together, events first, then every 5 ms for each organization, however many commits there are; a failing channel delays nothing', async () => {
    const sent: (readonly string[])[] = [];
    const channel: Channel = {
      send: async (texts) => {
        sent.push(texts.map((text) => text.split(' ')[1] ?? ''));
        if (sent.length === 1) throw new Error('lost');
      },
      close: async () => {},
    };
    const { hints, close } = instance(() => channel);
    hints.queued();
    hints.appended('OR1');
    await Promise.resolve();
    expect(sent).toEqual([['OR1', 'queued']]);
    for (let count = 0; count < 1000; count += 1) {
      hints.appended('OR1');
      hints.appended('OR2');
      hints.queued();
    }
    await expect
      .poll(() => sent)
      .toEqual([
        ['OR1', 'queued'],
        ['OR1', 'OR2', 'queued'],
      ]);
    await close();
  });

  test('that keep coming leave every 5 ms at first, and then every 20 ms', async () => {
    const sentAt: number[] = [];
    const notifier = instance(() => ({
      send: async () => {
        sentAt.push(performance.now());
        if (sentAt.length < 14) notifier.hints.appended('OR1');
      },
      close: async () => {},
    }));
    notifier.hints.appended('OR1');
    await expect.poll(() => sentAt.length).toBe(14);
    const intervals = sentAt.slice(1).map((at, index) => at - (sentAt[index] ?? 0));
    // A timer may be late, but not early by more than the clock's rounding.
    expect(Math.min(...intervals.slice(0, 8))).toBeLessThan(15);
    expect(Math.min(...intervals.slice(8))).toBeGreaterThan(18);
    await notifier.close();
  });
});

/** What both channels promise. `cut` breaks every connection of an instance. */
function promises(open: () => OpenChannel, cut: () => Promise<void>) {
  test('an instance wakes every other for an appended event, a message for either platform or a bot’s health, and itself once', async () => {
    const [one, two, three] = [instance(open()), instance(open()), instance(open())];
    await Promise.all([one.connected(), two.connected(), three.connected()]);
    one.hints.appended('OR1');
    await two.has('OR1');
    two.hints.queued();
    await one.has('OR1', 'queued');
    await two.has('OR1', 'queued');
    await three.has('OR1', 'queued');
    one.hints.queued('teams');
    one.hints.queued('carrier');
    for (const each of [one, two, three]) await each.has('OR1', 'queued', 'queued teams', 'queued carrier');
    two.hints.healthChanged?.('OR2');
    for (const each of [one, two, three]) await each.has('OR1', 'queued', 'queued teams', 'queued carrier', 'health of OR2');
    await Promise.all([one.close(), two.close(), three.close()]);
  });

  test('a lost connection is restored, missed changes are looked up, and hints arrive again', async () => {
    const [one, two] = [instance(open()), instance(open())];
    await Promise.all([one.connected(), two.connected()]);
    for (let times = 2; times <= 3; times += 1) {
      await cut();
      one.hints.appended('OR1');
      await Promise.all([one.connected(times), two.connected(times)]);
    }
    await expect
      .poll(async () => {
        one.hints.appended('OR2');
        await delay(25);
        return two.woken.includes('OR2');
      })
      .toBe(true);
    await Promise.all([one.close(), two.close()]);
  });
}

describe.runIf(inject('postgres'))('over LISTEN and NOTIFY', () => {
  let place: TestPlace;
  let admin: pg.Client;
  const url = () => place.settings.databaseUrl as string;
  beforeAll(async () => {
    place = await createTestPlace('empty');
    admin = new pg.Client(url());
    await admin.connect();
  });
  afterAll(async () => {
    await admin.end();
    await place.remove();
  });
  const cut = async () => {
    await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'teams-sms-gateway hints'`);
  };
  promises(() => postgresChannel(url(), log), cut);

  test('closing ends its connection', async () => {
    const one = instance(postgresChannel(url(), log));
    await one.connected();
    await one.close();
    const count = async () =>
      (
        await admin.query(
          "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'teams-sms-gateway hints'",
        )
      ).rowCount;
    await expect.poll(count).toBe(0);
  });
});

test('an unavailable database or Redis delays neither hints in this process nor the shutdown', async () => {
  const { host } = new URL(await nowhere());
  for (const channel of [postgresChannel(`postgresql://nobody@${host}/none`, log), redisChannel(`redis://${host}`, log)]) {
    const one = instance(channel);
    one.hints.appended('OR1');
    expect(one.woken).toEqual(['OR1']);
    await delay(50);
    await one.close();
  }
});

describe('over Redis', () => {
  let redis: TestRedis | undefined;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.close());
  beforeEach(({ skip }) => skip(!redis, 'there is no redis-server here'));

  promises(
    () => redisChannel(String(redis?.url), log),
    async () => {
      await redis?.stop();
      await redis?.start();
    },
  );
});
