import { randomUUID } from 'node:crypto';
import { CLAIM_MS, findImportsToDo, workOnImport } from '../domain/bulk/import-work.ts';
import type { Gateway } from '../domain/gateway.ts';
import { createQueue } from '../domain/turns.ts';

export interface ImportRunner {
  /** Looks for imports now: one is ready. */
  wake(): void;
  /** Starts no further row, and resolves when those in progress have ended. */
  stop(): Promise<void>;
}

/** Rows at the same time on this instance, of all organizations in turn: requests keep the other connections of the pool. */
const CONCURRENCY = 4;

/** Works on imports: those of this instance as they become ready, and those that others have left behind when their claims end. */
export function startImports(gateway: Gateway, { everyMs = CLAIM_MS / 2 }: { readonly everyMs?: number } = {}): ImportRunner {
  const rows = createQueue({
    concurrency: CONCURRENCY,
    maxWaiting: Number.POSITIVE_INFINITY,
    maxWaitingPerOrigin: Number.POSITIVE_INFINITY,
  });
  const stopping = new AbortController();
  const working = new Map<string, Promise<void>>();
  const work = { holder: randomUUID(), inTurn: rows.run, signal: stopping.signal };
  let looking: Promise<void> = Promise.resolve();

  function begin(sid: string): void {
    if (working.has(sid)) return;
    const done = workOnImport(gateway, sid, work).then(
      () => {
        working.delete(sid);
        // It may have been started again meanwhile.
        wake();
      },
      (error) => {
        working.delete(sid);
        // Not at once: the database may be a standby that reads and does not write.
        gateway.log.error({ err: error, importSid: sid }, 'an import was interrupted; it goes on when its claim has ended');
      },
    );
    working.set(sid, done);
  }

  function wake(): void {
    if (stopping.signal.aborted) return;
    looking = looking
      .then(async () => {
        for (const { sid } of await findImportsToDo(gateway)) if (!stopping.signal.aborted) begin(sid);
      })
      .catch((error) => gateway.log.error({ err: error }, 'cannot look for imports'));
  }

  const timer = setInterval(wake, everyMs).unref();
  wake();
  return {
    wake,
    stop: async () => {
      clearInterval(timer);
      stopping.abort();
      await looking;
      await Promise.all(working.values());
    },
  };
}
