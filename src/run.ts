import { setFlagsFromString } from 'node:v8';
import type { Logger } from 'pino';
import { connect, type Database } from './database/connect.ts';
import { DataDirectoryError } from './database/embedded/data-directory.ts';
import { DirectoryInUseError } from './database/embedded/directory-lock.ts';
import { masterKeysOf, SecretsKeyError } from './database/embedded/secrets-key.ts';
import { MigrationError, migrate } from './database/migrations.ts';
import { MIGRATIONS } from './database/package-root.ts';
import { ConnectionError } from './database/postgres/postgres.ts';
import { AccountError } from './domain/access/accounts.ts';
import { createSecrets } from './domain/secrets.ts';
import { parseEnv } from './env.ts';
import { createLog } from './log.ts';
import { ListenError } from './server/server.ts';
import { SettingsError } from './settings-error.ts';
import { type FirstAccount, startGateway } from './start.ts';
import type { TracesSettings } from './traces/settings.ts';

/** The longest time that a shutdown may take, in ms. */
const SHUTDOWN_MS = 15_000;

/** Two SIGINT within this time are one Ctrl-C, in ms. */
const SAME_KEY_MS = 1000;

/** Errors that the operator can fix: the message suffices, and a stack would hide it. */
const EXPECTED = [
  AccountError,
  ConnectionError,
  DataDirectoryError,
  DirectoryInUseError,
  ListenError,
  MigrationError,
  SecretsKeyError,
  SettingsError,
];

const CLAIMS_REMAIN = 'could not release everything in time: other instances take over what is left when its leases expire';

/** Runs the process, from parsing its settings to its last response. Resolves with the exit code once it is shut down. */
async function main(): Promise<number> {
  const stopped = firstSignal();
  const settings = parseEnv(process.env);
  const traces = settings.traces && (await startTracing(settings.traces));
  const log = createLog(settings.logLevel, undefined, traces?.traceFields);
  traces?.reportTo((code) => log.warn({ code }, 'traces do not reach the collector'));
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught error');
    process.exit(1);
  });

  const hasStarted = exitEarly(stopped, settings.databaseUrl !== undefined, log);
  const metrics = settings.metrics && (await import('./metrics/metrics.ts')).createMetrics();
  const observers = [metrics?.observeStatement, traces?.traceStatement].filter((observe) => observe !== undefined);
  const secrets = createSecrets(...(await masterKeysOf(settings)));
  // The embedded database compiles on another thread, so the app's modules load meanwhile.
  const [database, { createApp }] = await Promise.all([
    connect({
      ...{ ...settings, ...settings.limits, observers, observeListRead: metrics?.observeListRead, log },
      keepsContexts: traces !== undefined,
    }),
    import('./app.ts'),
  ]);
  let isReleased: boolean;
  try {
    await bringUpToDate(database, log);
    hasStarted();
    let first: FirstAccount | undefined;
    const onFirstAccount = (account: FirstAccount) => {
      first = account;
      announceAccount(account);
    };
    const gateway = await startGateway({
      settings,
      database,
      secrets,
      createApp,
      metrics,
      traceCall: traces?.traceCall,
      onFirstAccount,
      log,
    });
    // From now on, the young generation grows with what requests allocate (main.ts).
    setFlagsFromString('--semi-space-growth-factor=2');
    announce(gateway.url, settings.console, first);
    log.info({ url: gateway.url, metricsUrl: gateway.metricsUrl, database: database.kind, ms: Math.round(performance.now()) }, 'listening');
    // Load Prisma's query compiler now: before, it would delay the start; later, the first request.
    database.prisma.$connect().catch((error: unknown) => log.warn({ err: error }, 'could not load the query compiler yet'));

    const signal = await stopped;
    log.info({ signal }, 'draining');
    setTimeout(() => {
      log.error(CLAIMS_REMAIN);
      process.exit(1);
    }, SHUTDOWN_MS).unref();
    isReleased = await gateway.stop();
  } finally {
    await database.close();
    await traces?.stop();
  }
  if (isReleased) log.info('stopped');
  else log.error(CLAIMS_REMAIN);
  return isReleased ? 0 : 1;
}

/** Loads OpenTelemetry's SDK, and starts tracing. */
async function startTracing(settings: TracesSettings) {
  const { startTraces } = await import('./traces/sdk.ts');
  const { traceStatement, traceCall } = await import('./traces/observers.ts');
  const { traceFields } = await import('./traces/spans.ts');
  // The log is created with the traces' fields.
  let report: (code: string | undefined) => void = () => {};
  const reportTo = (given: typeof report) => {
    report = given;
  };
  return { stop: startTraces(settings, (code) => report(code)), reportTo, traceStatement, traceCall, traceFields };
}

async function bringUpToDate(database: Database, log: Logger): Promise<void> {
  const applied = await migrate(database.directPool, MIGRATIONS);
  for (const name of applied) log.info({ migration: name }, 'migration applied');
}

/**
 * Waits for the first SIGTERM or SIGINT, even during the start. A second signal ends the process at once, except for a SIGINT right after the
 * first: a terminal's Ctrl-C reaches the gateway both directly and through npm.
 */
function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        const isRepeated = firstAt !== undefined && (signal === 'SIGTERM' || performance.now() - firstAt > SAME_KEY_MS);
        if (isRepeated) process.exit(1);
        firstAt ??= performance.now();
        resolve(signal);
      });
    }
  });
}

/**
 * Ends the process if a signal arrives while it starts, since it may wait long for PostgreSQL. Until the migrations are applied, everything it does
 * there is atomic. A start on the embedded database is short and is not ended early.
 * @returns a function to call once the process has started
 */
function exitEarly(stopped: Promise<NodeJS.Signals>, isPostgres: boolean, log: Logger): () => void {
  let isStarting = isPostgres;
  void stopped.then((signal) => {
    if (!isStarting) return;
    log.info({ signal }, 'stopped before it had started');
    process.exit(0);
  });
  return () => {
    isStarting = false;
  };
}

/** Prints the first account of a new database. A generated token is shown here and never again. */
function announceAccount({ sid, token }: FirstAccount): void {
  const lines = ['The first account of this new database:', `  account SID   ${sid}`];
  if (token) lines.push(`  auth token    ${token}   (not shown again)`);
  process.stdout.write(`${lines.join('\n')}\n\n`);
}

/** Prints the gateway's URL and, for a new database, where to begin. */
function announce(url: string, hasConsole: boolean, first?: FirstAccount): void {
  const lines = [`Teams SMS gateway listening on ${url}`];
  if (first) {
    const { sid, token = '<BOOTSTRAP_AUTH_TOKEN>' } = first;
    lines.push(`  REST          curl -u '${sid}:${token}' ${url}/msteams/enterprises/search`, `  GraphiQL      ${url}/graphql`);
    if (hasConsole) lines.push(`  Console       ${url}/console`);
    lines.push('');
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

try {
  process.exit(await main());
} catch (error) {
  const expected = error instanceof Error && EXPECTED.some((kind) => error instanceof kind);
  process.stderr.write(`${expected ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
