import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { PrismaClient } from '../../prisma/client/client.ts';

/** Whether the app of any organization has a tab with the console: the page does not know whose it is before somebody signs in. */
export interface ConsoleTab {
  /** Tells whether Teams may show the console as a tab. Not while that cannot be read. Anybody may ask, so it is read every few seconds at most. */
  isShown(): Promise<boolean>;
  /** Has the next call read it: a setting was changed. */
  drop(): void;
}

interface ConsoleTabOptions {
  readonly read: () => Promise<boolean>;
  readonly log: Pick<Logger, 'warn'>;
}

/** How long an answer is kept, in ms, and how long the lack of one. */
const LIFETIME_MS = 15_000;
const FAILURE_LIFETIME_MS = 1000;
/** How much longer an answer is given while a new one is read, in ms. */
const STALE_MS = 60_000;
/** How long the page waits for an answer where none is kept, in ms. */
const PATIENCE_MS = 200;

/** Keeps whether there is a tab with the console. It is read by one statement at a time. */
export function keepConsoleTab({ read, log }: ConsoleTabOptions): ConsoleTab {
  let kept: { readonly isShown: boolean; readonly until: number } | undefined;
  let reading: Promise<boolean> | undefined;

  function begin(): Promise<boolean> {
    const begun: Promise<boolean> = read()
      .then(
        (isShown) => ({ isShown, lifetimeMs: LIFETIME_MS }),
        (error: unknown) => {
          log.warn({ err: error }, 'cannot read whether an app has a tab with the console');
          return { isShown: false, lifetimeMs: FAILURE_LIFETIME_MS };
        },
      )
      .then(({ isShown, lifetimeMs }) => {
        // What was dropped meanwhile may be older than the change.
        if (reading === begun) {
          kept = { isShown, until: performance.now() + lifetimeMs };
          reading = undefined;
        }
        return isShown;
      });
    return begun;
  }

  return {
    isShown: async () => {
      const now = performance.now();
      if (kept && now < kept.until) return kept.isShown;
      reading ??= begin();
      if (kept && now < kept.until + STALE_MS) return kept.isShown;
      const timeout = new AbortController();
      try {
        return await Promise.race([reading, delay(PATIENCE_MS, false, { signal: timeout.signal })]);
      } finally {
        timeout.abort();
      }
    },
    drop: () => {
      kept = undefined;
      reading = undefined;
    },
  };
}

/**
 * Reads whether any app has the tab, by the index `teams_app_with_console_tab`, which has this condition and order. Without the order, PostgreSQL reads the
 * table, and the icons of every row.
 */
export async function hasConsoleTab(prisma: PrismaClient): Promise<boolean> {
  const found = await prisma.$queryRaw<
    unknown[]
  >`SELECT 1 FROM teams_app WHERE settings -> 'consoleTab' = 'true' ORDER BY organization_sid LIMIT 1`;
  return found.length > 0;
}
