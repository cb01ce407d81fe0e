import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { MappingImport, PrismaClient } from '../../prisma/client/client.ts';
import { type ImportState, isAtEnd, readImportState } from '../domain/bulk/import-state.ts';
import { findImport } from '../domain/bulk/imports.ts';
import type { Caller } from '../domain/caller.ts';
import { importNotFound } from '../domain/errors.ts';
import type { LogReader } from '../domain/events/read-events.ts';
import { createPolledUpdates, type Updates } from './updates.ts';

/** How often an import is looked at, in ms: another instance may work on it. */
const POLL_MS = 500;

/** The imports that are followed on this instance. */
interface ImportProgress {
  /**
   * Follows an import: its state now, and again whenever it or the number of its rows in a status has changed, or nothing has for a while, until it is
   * checked, completed, failed, or its link has expired without an upload.
   * @throws NotFoundError IMPORT_NOT_FOUND
   */
  follow(caller: Caller, sid: string): Promise<Updates<MappingImport>>;
}

interface ImportProgressOptions {
  readonly prisma: PrismaClient;
  readonly inTurn: (organizationSid: string) => LogReader;
  readonly log: Logger;
  /** The state comes again after this long without a change, in ms. */
  readonly idleMs: number;
  /** Aborted when all are to end. */
  readonly signal: AbortSignal;
}

/** Creates the progress of imports. All who follow an import share what reads it. */
export function createImportProgress({ prisma, inTurn, log, idleMs, signal }: ImportProgressOptions): ImportProgress {
  const pollers = new Map<string, Poller>();

  function pollerOf(followed: MappingImport): Poller {
    const { sid, organizationSid } = followed;
    const existing = pollers.get(sid);
    if (existing) return existing;
    const poller: Poller = startPoller({
      read: () => readImportState(inTurn(organizationSid), followed),
      ended: () => {
        if (pollers.get(sid) === poller) pollers.delete(sid);
      },
      onError: (error) => log.error({ err: error, importSid: sid }, 'cannot read the progress of an import; retrying'),
      signal,
    });
    pollers.set(sid, poller);
    return poller;
  }

  return {
    follow: async (caller, sid) => {
      const found = await findImport({ prisma }, caller, sid);
      if (!found) throw importNotFound(sid);
      const poller = pollerOf(found);
      const leaving = new AbortController();
      const leave = poller.join();
      return createPolledUpdates(stepsOf(poller, idleMs, leaving.signal), () => {
        if (!leaving.signal.aborted) leave();
        leaving.abort();
        poller.announce();
      });
    },
  };
}

async function* stepsOf(poller: Poller, idleMs: number, left: AbortSignal): AsyncGenerator<MappingImport, undefined> {
  let shown: ImportState | undefined;
  for (;;) {
    const next = await poller.after(shown, idleMs, left);
    if (!next) return;
    yield next.row;
    shown = next;
  }
}

/** Reads an import's state again and again, for all its followers. */
interface Poller {
  /** Adds a follower. @returns what removes it: without followers, nothing is read */
  join(): () => void;
  /** Waits for another state than `shown`, and returns that one again after `idleMs`; `undefined` once it has ended without another one. */
  after(shown: ImportState | undefined, idleMs: number, left: AbortSignal): Promise<ImportState | undefined>;
  /** Has all who wait look again. */
  announce(): void;
}

interface PollerOptions {
  readonly read: () => Promise<ImportState | undefined>;
  readonly ended: () => void;
  /** Called when reading begins to fail. */
  readonly onError: (error: unknown) => void;
  readonly signal: AbortSignal;
}

function startPoller({ read, ended, onError, signal }: PollerOptions): Poller {
  const stopping = new AbortController();
  const stopped = AbortSignal.any([signal, stopping.signal]);
  let followers = 0;
  let latest: ImportState | undefined;
  let isEnded = false;
  let waiting: (() => void)[] = [];

  function announce(): void {
    const all = waiting;
    waiting = [];
    for (const look of all) look();
  }

  function end(): void {
    isEnded = true;
    ended();
    announce();
  }

  async function run(): Promise<void> {
    let failing = false;
    while (!stopped.aborted) {
      try {
        const state = await read();
        failing = false;
        if (!state) return;
        if (state.key !== latest?.key) latest = state;
        announce();
        if (isAtEnd(state.row)) return;
      } catch (error) {
        if (!failing) onError(error);
        failing = true;
      }
      await delay(POLL_MS, undefined, { signal: stopped }).catch(() => {});
    }
  }

  void run().finally(end);
  return {
    join: () => {
      followers += 1;
      return () => {
        followers -= 1;
        if (followers > 0) return;
        // Who comes now starts another one.
        ended();
        stopping.abort();
      };
    },
    after: async (shown, idleMs, left) => {
      let isIdle = false;
      const timer = setTimeout(() => {
        isIdle = shown !== undefined;
        announce();
      }, idleMs);
      while (latest === shown && !isEnded && !left.aborted && !isIdle) await new Promise<void>((look) => waiting.push(look));
      clearTimeout(timer);
      return left.aborted || (latest === shown && isEnded) ? undefined : latest;
    },
    announce,
  };
}
