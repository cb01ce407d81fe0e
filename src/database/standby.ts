import { setTimeout as delay } from 'node:timers/promises';
import type { QueryResultRow } from 'pg';
import type { Logger } from 'pino';
import { gather } from './batches/gather.ts';
import { LostInterestError, TookTooLongError } from './interest.ts';
import type { Sql } from './sql.ts';
import { isTimedOut, isUnavailable } from './unavailable.ts';

/**
 * Where a statement of a list was run, and if on the primary, why. `conflict` and `failed`: the standby had begun it. `unknown`: the primary did not say
 * how much of its log the standby must have replayed.
 */
export type ListRead = 'standby' | 'behind' | 'away' | 'conflict' | 'failed' | 'unknown';

interface StandbyOptions {
  readonly primary: Sql;
  readonly standby: Sql;
  /** Asks the standby how much it has replayed, on a connection that lists do not use. */
  readonly looks: Pick<Sql, 'read'>;
  /** Receives each statement. */
  readonly observe?: (read: ListRead) => void;
  readonly log: Pick<Logger, 'warn' | 'info'>;
}

/** The end of a server's log, in bytes. */
interface LogPosition {
  readonly position: number;
  /** The server's identifier, which its standbys share. */
  readonly cluster: string;
}

export interface Standby {
  /** Runs reads on the standby as soon as it has what was committed before they were requested, or else on the primary; everything else on the primary. */
  readonly sql: Sql;
  /** For how long lists have been read from the primary, in s; 0 while they are read from the standby. */
  awayFor(): number;
  /**
   * Notes which server a new connection reached, before it answers anything else. One that was restarted may have replayed less than before.
   * @param server e.g. when it was started
   */
  reached(server: string): void;
  close(): Promise<void>;
}

/** How long a read waits for the standby to have what was committed before it, in ms. */
const PATIENCE_MS = 50;
/** The pause between two looks at what the standby has, in ms: replaying a commit takes about as long. */
const LOOK_MS = 2;
/** The longest pause between looks that nobody waits for, in ms: a standby that is minutes behind must not be kept busy with them. */
const PROBE_LOOK_MS = 100;
/** A standby that was not heard of for so long is looked at before it is read from, in ms. */
const FRESH_MS = 1000;
/** How often a standby that is away is looked at, and how long it may then take, in ms. Nobody waits for that. */
const PROBE_MS = 1000;
/** How often it is logged that the standby is away, at most, in ms. */
const LOG_MS = 60_000;

/**
 * The end of the primary's log, in bytes, which every commit is before that a client knows of. Without synchronous commits, a commit is acknowledged before
 * it is flushed.
 */
const POSITION = `SELECT pg_wal_lsn_diff(CASE current_setting('synchronous_commit') WHEN 'off' THEN pg_current_wal_insert_lsn()
  ELSE pg_current_wal_flush_lsn() END, '0/0')::float8 AS position, (SELECT system_identifier FROM pg_control_system())::text AS cluster`;
/**
 * How much of it a standby has replayed, which is visible to statements from then on. `NULL` where it is no standby, or follows nobody: after a failover, a
 * standby may have replayed what the new primary does not have.
 */
const REPLAYED = `SELECT CASE WHEN pg_is_in_recovery() AND EXISTS (SELECT FROM pg_stat_wal_receiver)
    THEN pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::float8 END AS replayed,
  (SELECT system_identifier FROM pg_control_system())::text AS cluster`;
/** The SQLSTATE of a statement that was cancelled since what it reads was removed by the primary. */
const CONFLICT = '40001';

/**
 * Reads lists from a standby, never older than they would be from the primary: a read asks the primary for its position in the log, together with others of
 * the same turn, and waits until the standby has replayed as much. So a caller finds what it wrote through any instance. A standby that does not get there within
 * PATIENCE_MS, or fails, is left alone until it does.
 */
export function readFromStandby({ primary, standby, looks, observe = () => {}, log }: StandbyOptions): Standby {
  // Until it was looked at.
  let awaySince: number | undefined = performance.now();
  let replayed = 0;
  let heardAt = Number.NEGATIVE_INFINITY;
  let reachedServer: string | undefined;
  /** Whether it followed nobody. One that the primary refuses, as its log is another, appears to follow it for a moment at each try. */
  let isDoubted = false;
  let loggedAt = Number.NEGATIVE_INFINITY;
  /** Whether the log says that it is away; `undefined` until it says where lists are read. */
  let isLoggedAway: boolean | undefined;
  let isClosed = false;
  let probe: NodeJS.Timeout | undefined;
  let probing: Promise<void> | undefined;

  /** Asks the primary for its position; `undefined` if it does not respond, which says nothing about the standby. */
  async function positionNow(): Promise<LogPosition | undefined> {
    try {
      const [now] = await primary.read<LogPosition & QueryResultRow>(POSITION, []);
      return now;
    } catch {
      return undefined;
    }
  }

  /**
   * Waits until the standby has replayed up to a position of the primary.
   * @returns false if that takes longer than `patienceMs`
   * @throws the standby's error, an Error for a server that is no standby of the primary
   */
  async function catchesUp({ position, cluster }: LogPosition, patienceMs: number): Promise<boolean> {
    const began = performance.now();
    let pauseMs = LOOK_MS;
    while (replayed < position || began - heardAt > FRESH_MS) {
      const answer = looks.read<{ replayed: number | null; cluster: string }>(REPLAYED, []);
      const left = patienceMs - (performance.now() - began);
      const rows = await within(answer, Math.max(left, LOOK_MS));
      if (!rows) return false;
      const [row] = rows;
      if (row?.cluster !== cluster) throw new Error('it is a standby of another server');
      if (row.replayed === null) {
        isDoubted = true;
        throw new Error('it is no standby that follows the primary');
      }
      replayed = row.replayed;
      heardAt = performance.now();
      if (replayed >= position) break;
      if (heardAt - began > patienceMs) return false;
      await delay(pauseMs);
      if (patienceMs > PATIENCE_MS) pauseMs = Math.min(2 * pauseMs, PROBE_LOOK_MS);
    }
    return true;
  }

  /** Leaves the standby alone until it is there again. */
  function leave(reason: ListRead, error?: unknown): void {
    if (awaySince !== undefined || isClosed) return;
    awaySince = performance.now();
    heardAt = Number.NEGATIVE_INFINITY;
    logAway(reason, error);
    probe = setTimeout(look, PROBE_MS).unref();
  }

  function logAway(reason: ListRead, error: unknown): void {
    if (isLoggedAway || performance.now() - loggedAt < LOG_MS) return;
    loggedAt = performance.now();
    isLoggedAway = true;
    log.warn({ reason, err: error }, 'lists are read from the primary: the standby of DATABASE_REPLICA_URL is behind or away');
  }

  /** Whether the standby may be read from now, and if not, why. */
  async function check(patienceMs: number): Promise<{ readonly read: ListRead; readonly error?: unknown }> {
    const now = await positionNow();
    if (!now) return { read: 'unknown' };
    try {
      return { read: (await catchesUp(now, patienceMs)) ? 'standby' : 'behind' };
    } catch (error) {
      return { read: 'away', error };
    }
  }

  function look(): void {
    probing = lookNow();
  }

  async function lookNow(): Promise<void> {
    const { read, error } = await check(PROBE_MS);
    if (isClosed) return;
    if (read !== 'standby' || isDoubted) {
      if (read === 'standby') [isDoubted, heardAt] = [false, Number.NEGATIVE_INFINITY];
      else if (read !== 'unknown') logAway(read, error);
      probe = setTimeout(look, PROBE_MS).unref();
      return;
    }
    awaySince = undefined;
    if (isLoggedAway !== false) log.info('lists are read from the standby');
    isLoggedAway = false;
  }

  const wait = gather<(read: ListRead) => void>(
    async (waiting) => {
      const { read, error } = await check(PATIENCE_MS);
      if (read === 'behind' || read === 'away') leave(read, error);
      for (const go of waiting) go(read);
    },
    (waiting) => waiting.length,
  );

  async function readBy<Row extends QueryResultRow>(run: (sql: Sql) => Promise<Row[]>): Promise<Row[]> {
    let read: ListRead = awaySince === undefined ? await new Promise<ListRead>((resolve) => wait('', resolve)) : 'away';
    if (read === 'standby') {
      const waitedFor = reachedServer;
      try {
        const rows = await run(standby);
        // Another server, or the same one restarted, was not waited for.
        read = waitedFor === reachedServer ? 'standby' : 'away';
        if (read === 'standby') {
          observe(read);
          return rows;
        }
      } catch (error) {
        if (error instanceof LostInterestError || error instanceof TookTooLongError) throw error;
        const code = (error as { code?: unknown }).code;
        read = code === CONFLICT ? 'conflict' : 'failed';
        // After one that took too long, others' are not slower.
        if (read === 'failed' && !isTimedOut(error) && isUnavailable(error)) leave('failed', error);
      }
    }
    observe(read);
    return run(primary);
  }

  look();
  return {
    sql: {
      ...primary,
      query: (text, values, interest) => readBy((sql) => sql.query(text, values, interest)),
      queryBriefly: (text, values, interest) => readBy((sql) => sql.queryBriefly(text, values, interest)),
      read: (text, values, interest) => readBy((sql) => sql.read(text, values, interest)),
      readTogether: (statement) => readBy((sql) => sql.readTogether(statement)),
    },
    reached: (server) => {
      if (server === reachedServer) return;
      reachedServer = server;
      heardAt = Number.NEGATIVE_INFINITY;
    },
    awayFor: () => (awaySince === undefined ? 0 : (performance.now() - awaySince) / 1000),
    close: async () => {
      isClosed = true;
      clearTimeout(probe);
      await probing;
    },
  };
}

/** Returns `undefined` in place of a result that takes longer. */
async function within<Result>(result: Promise<Result>, ms: number): Promise<Result | undefined> {
  const timeout = new AbortController();
  try {
    return await Promise.race([result, delay(ms, undefined, { signal: timeout.signal })]);
  } finally {
    timeout.abort();
    result.catch(() => {});
  }
}
