import { setTimeout as delay } from 'node:timers/promises';
import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';
import type { Logger } from 'pino';
import { PrismaClient } from '../../prisma/client/client.ts';
import { openEmbedded } from './embedded/embedded.ts';
import { migrated, readMigrations } from './migrations.ts';
import { keepContexts, type ObserveStatement, observeStatements, type PoolName } from './observed.ts';
import { MIGRATIONS } from './package-root.ts';
import { openPostgres, standbyPools, timeoutsWithin } from './postgres/postgres.ts';
import { statementNames } from './postgres/statement-names.ts';
import { createSql, type Sql, unnamed } from './sql.ts';
import { type ListRead, readFromStandby, type Standby } from './standby.ts';

export interface Database {
  readonly prisma: PrismaClient;
  readonly sql: Sql;
  /** The connections that `prisma` also uses. The embedded database has only one: inside a transaction, use only the transaction. */
  readonly pool: pg.Pool;
  /** Connections to the server itself, for what is bound to a session: migrations. The same as `pool` unless there is a pooler. */
  readonly directPool: pg.Pool;
  /** All connections, for metrics. */
  readonly pools: ReadonlyMap<PoolName, Pick<pg.Pool, 'totalCount' | 'idleCount' | 'waitingCount'>>;
  readonly kind: 'embedded' | 'postgres';
  /** For how long lists have been read from the primary although there is a standby, in s. Absent: there is none. */
  readonly standbyAwayFor?: () => number;
  /** Whether the database responds within 3 s and has every migration. Never rejects. */
  ready(): Promise<boolean>;
  close(): Promise<void>;
}

interface ConnectOptions {
  /** The directory of the embedded database; unused with databaseUrl. */
  readonly dataDir: string;
  readonly databaseUrl?: string;
  /** The same database through a pooler in transaction mode, for everything that needs no session. */
  readonly poolerUrl?: string;
  /** A standby of that server, for lists and usage. */
  readonly replicaUrl?: string;
  /** Receives each statement of a list, if there is a standby. */
  readonly observeListRead?: (read: ListRead) => void;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  /** Each receives each statement. */
  readonly observers?: readonly ObserveStatement[];
  /** Whether the asynchronous context of each statement is that of the work that runs it: its observers ask for it. */
  readonly keepsContexts?: boolean;
  /** How long to wait for a PostgreSQL that is still starting, in ms. */
  readonly patience?: number;
  /** How long a request may take, in ms (REQUEST_TIMEOUT). A connection that does not respond is closed within it. */
  readonly requestTimeoutMs?: number;
}

const READY_TIMEOUT_MS = 3_000;

/**
 * Connects to the PostgreSQL at `databaseUrl`, perhaps through a pooler, or opens the embedded database in `dataDir`. Applies no migration.
 * @throws ConnectionError; DataDirectoryError; DirectoryInUseError
 */
export async function connect(options: ConnectOptions): Promise<Database> {
  const {
    dataDir,
    databaseUrl,
    poolerUrl,
    replicaUrl,
    log,
    observers = [],
    keepsContexts = false,
    patience = 10_000,
    requestTimeoutMs = 30_000,
  } = options;
  const migrations = await readMigrations(MIGRATIONS);
  const { pool, batchPool, movingPool, moving, directPool, cancelStatement, close } = databaseUrl
    ? await openPostgres(databaseUrl, { patienceMs: patience, requestTimeoutMs, poolerUrl, log })
    : await openEmbedded(dataDir);
  const onStandby =
    databaseUrl && replicaUrl ? standbyPools(replicaUrl, requestTimeoutMs, (server) => standby?.reached(server)) : undefined;
  const pools = new Map<PoolName, pg.Pool>([['main', pool]]);
  if (databaseUrl) pools.set('batches', batchPool).set('moving', movingPool);
  if (onStandby) pools.set('standby', onStandby.pool).set('standby-batches', onStandby.batchPool).set('standby-looks', onStandby.lookPool);
  // The next query replaces an idle connection that the server closed; an unhandled 'error' event would end the process.
  for (const each of new Set([...pools.values(), directPool]))
    each.on('error', (error) => log.warn({ err: error }, 'lost an idle database connection'));
  for (const [name, each] of pools) {
    for (const observe of observers) observeStatements(each, name, observe);
    if (keepsContexts) keepContexts(each);
  }
  const isPrepared = databaseUrl !== undefined && !poolerUrl;
  const nameOf = isPrepared ? statementNames() : unnamed;
  const adapter = new PrismaPg(pool, isPrepared ? { statementNameGenerator: ({ sql }) => nameOf(sql) } : {});
  const prisma = new PrismaClient({ adapter });
  const { connectMs } = timeoutsWithin(requestTimeoutMs);
  // Planning what moves messages takes most of its time on the embedded database.
  const movingNameOf = databaseUrl ? nameOf : statementNames();
  const sql = createSql({ pool, batchPool, movingPool: moving, cancelStatement }, nameOf, connectMs, movingNameOf);
  const standby = onStandby && listsOn(onStandby, sql, options);
  // Concurrent calls share one query, so that probes of a database that hangs do not pile up.
  let pendingCheck: Promise<boolean> | undefined;
  const check = () => {
    pendingCheck ??= migrated(pool, migrations)
      .catch(() => false)
      .finally(() => {
        pendingCheck = undefined;
      });
    return pendingCheck;
  };
  return {
    prisma,
    sql: standby ? { ...sql, lists: standby.sql } : sql,
    standbyAwayFor: standby?.awayFor,
    pool,
    directPool,
    pools,
    kind: databaseUrl ? 'postgres' : 'embedded',
    ready: async () => {
      const timeout = new AbortController();
      try {
        return await Promise.race([check(), delay(READY_TIMEOUT_MS, false, { ref: false, signal: timeout.signal })]);
      } finally {
        timeout.abort();
      }
    },
    close: async () => {
      await prisma.$disconnect();
      await Promise.all([standby?.close(), onStandby?.pool.end(), onStandby?.batchPool.end(), onStandby?.lookPool.end()]);
      await close();
    },
  };
}

/** Has lists read from a standby. Nothing is written there. */
function listsOn(pools: ReturnType<typeof standbyPools>, primary: Sql, { observeListRead, log }: ConnectOptions): Standby {
  const sql = createSql({ ...pools, movingPool: pools.pool }, statementNames(), 0);
  const { lookPool } = pools;
  const looks = createSql({ pool: lookPool, batchPool: lookPool, movingPool: lookPool }, statementNames(), 0);
  return readFromStandby({ primary, standby: sql, looks, observe: observeListRead, log });
}
