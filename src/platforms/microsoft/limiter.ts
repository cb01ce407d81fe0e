import { setTimeout } from 'node:timers/promises';
import { NotYetError } from '../delivery-error.ts';
import type { BotCredentials } from './microsoft.ts';

/** At most `count` requests in any `perMs`. */
interface Limit {
  readonly count: number;
  readonly perMs: number;
}

/**
 * Requests of a bot to one thread: a conversation, or a user whose conversation is opened. The first spaces them evenly; the others are Teams'.
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit#per-bot-per-thread-limit
 */
export const THREAD_LIMITS: readonly Limit[] = [
  { count: 1, perMs: 1000 / 7 },
  { count: 7, perMs: 1000 },
  { count: 8, perMs: 2000 },
  { count: 60, perMs: 30_000 },
  { count: 1800, perMs: 3_600_000 },
];
/** Requests of an application in a tenant. */
const BOT_LIMITS: readonly Limit[] = [{ count: 50, perMs: 1000 }];
const BOT_SPACING_MS = 20;

/** Upper bound for a Retry-After, in ms. */
const MAX_RETRY_AFTER_MS = 3_600_000;
/** Unused entries are removed once there are this many. */
const SWEEP_SIZE = 10_000;

export interface Limiter {
  /**
   * Waits until a request may leave, and counts it.
   * @param thread the conversation or user it is for
   * @param maxWaitMs how long to wait at most, in ms
   * @throws NotYetError if it would have to wait longer, and is not counted then; or if Microsoft asks the bot to wait meanwhile
   */
  turn(bot: BotCredentials, thread: string, maxWaitMs: number): Promise<void>;
  /** Holds back all of a bot's requests, as Microsoft asks by Retry-After. In ms, at most an hour; `undefined` changes nothing. */
  holdBack(bot: BotCredentials, retryAfterMs: number | undefined): void;
  /** How long a bot is held back, in ms; 0 if it is not. */
  heldBackMs(bot: BotCredentials): number;
  /** How long the limits of a thread hold back the next request to it, in ms; 0 if they do not. */
  pauseMs(bot: BotCredentials, thread: string): number;
}

/**
 * Creates a limiter: the one that all requests to the connector pass, or what Graph asks bots to wait. It counts this instance's requests: several instances share a bot's limit
 * per tenant, and learn from a 429 that it is used up.
 * @param clock the current time and what waits, in ms; for tests
 */
export function createLimiter(clock: { now: () => number; wait: (ms: number) => Promise<void> } = CLOCK): Limiter {
  const { now } = clock;
  const threads = new Map<string, number[]>();
  const bots = new Map<string, number[]>();
  const heldUntil = new Map<string, number>();
  const returnsUntil = new Map<string, number>();

  function waitMs(key: string, thread: string): number {
    const at = now();
    const limited = Math.max(waitOf(bots.get(key), BOT_LIMITS, at), waitOf(threads.get(thread), THREAD_LIMITS, at));
    return Math.max(limited, (heldUntil.get(key) ?? 0) - at, 0);
  }

  function sweep(): void {
    const at = now();
    for (const log of [heldUntil, returnsUntil]) for (const [key, until] of log) if (until <= at) log.delete(key);
    for (const [log, limits] of [
      [threads, THREAD_LIMITS],
      [bots, BOT_LIMITS],
    ] as const) {
      const memoryMs = Math.max(...limits.map(({ perMs }) => perMs));
      for (const [key, times] of log) if ((times.at(-1) ?? 0) + memoryMs <= at) log.delete(key);
    }
  }

  /** When a request that is refused a turn may ask again: those of one bot one after another, as its limit lets them leave. */
  function returnAt(key: string, earliest: number): number {
    const at = Math.max(earliest, (returnsUntil.get(key) ?? 0) + BOT_SPACING_MS);
    returnsUntil.set(key, at);
    return at;
  }

  return {
    turn: async (bot, thread, maxWaitMs) => {
      const key = keyOf(bot);
      const threadKey = `${key} ${thread}`;
      const asked = now();
      const leaves = asked + Math.ceil(waitMs(key, threadKey));
      if (leaves > asked + maxWaitMs) {
        const isBotsLimit = waitOf(bots.get(key), BOT_LIMITS, asked) >= leaves - asked;
        throw new NotYetError((isBotsLimit ? returnAt(key, leaves) : leaves) - asked);
      }
      if (threads.size + bots.size + heldUntil.size >= SWEEP_SIZE) sweep();
      // From now on the turn is taken, so that those who wait do not all take the same.
      record(bots, key, BOT_LIMITS, leaves);
      record(threads, threadKey, THREAD_LIMITS, leaves);
      // Timers may fire a little early.
      for (let wait = leaves - now(); wait > 0; wait = leaves - now()) await clock.wait(Math.ceil(wait));
      const heldBackMs = (heldUntil.get(key) ?? 0) - now();
      if (heldBackMs > 0) throw new NotYetError(heldBackMs);
    },
    holdBack: (bot, retryAfterMs = 0) => {
      if (retryAfterMs <= 0) return;
      const until = now() + Math.min(retryAfterMs, MAX_RETRY_AFTER_MS);
      const key = keyOf(bot);
      if (heldUntil.size >= SWEEP_SIZE) sweep();
      heldUntil.set(key, Math.max(heldUntil.get(key) ?? 0, until));
    },
    heldBackMs: (bot) => Math.max(0, (heldUntil.get(keyOf(bot)) ?? 0) - now()),
    pauseMs: (bot, thread) => Math.max(0, waitOf(threads.get(`${keyOf(bot)} ${thread}`), THREAD_LIMITS, now())),
  };
}

const CLOCK = { now: () => performance.now(), wait: (ms: number) => setTimeout(ms) };

/** Ids of applications and tenants are GUIDs, or domains: both without regard to case. */
const keyOf = ({ applicationId, tenantId }: BotCredentials): string => `${applicationId} ${tenantId}`.toLowerCase();

/** @param times when requests left, in ms, oldest first */
function waitOf(times: readonly number[] | undefined, limits: readonly Limit[], at: number): number {
  if (!times) return 0;
  return Math.max(...limits.map(({ count, perMs }) => (times[times.length - count] ?? Number.NEGATIVE_INFINITY) + perMs - at));
}

function record(log: Map<string, number[]>, key: string, limits: readonly Limit[], at: number): void {
  const most = Math.max(...limits.map(({ count }) => count));
  const times = log.get(key) ?? [];
  // A turn that waits for its thread leaves after some that were given later.
  const place = times.findLastIndex((time) => time <= at) + 1;
  times.splice(place, 0, at);
  if (times.length > 2 * most) times.splice(0, times.length - most);
  log.set(key, times);
}
