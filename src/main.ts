import { setFlagsFromString } from 'node:v8';
import type { Logger } from 'pino';
import { followCredentialChanges } from './admission/credential-changes.ts';
import { createRateLimit } from './admission/rate-limit.ts';
import { type OpenChannel, startNotifier } from './channels/notify.ts';
import { connect } from './database/connect.ts';
import { DataDirectoryError } from './database/embedded/data-directory.ts';
import { DirectoryInUseError } from './database/embedded/directory-lock.ts';
import { masterKeysOf, SecretsKeyError } from './database/embedded/secrets-key.ts';
import { MigrationError, migrate } from './database/migrations.ts';
import { MIGRATIONS } from './database/package-root.ts';
import { ConnectionError } from './database/postgres/postgres.ts';
import { AccountError, bootstrapAccount } from './domain/access/accounts.ts';
import type { Gateway } from './domain/gateway.ts';
import { createSecrets } from './domain/secrets.ts';
import { createVerifiedCredentials } from './domain/verified-credentials.ts';
import { parseEnv, type Settings } from './env.ts';
import { startExchange } from './exchange/exchange.ts';
import { createLive } from './live/live.ts';
import { createLog } from './log.ts';
import { connectPlatforms } from './platforms/connect.ts';
import type { SmsReport } from './platforms/restcomm/embedded.ts';
import { ListenError, listen } from './server/server.ts';
import { SettingsError } from './settings-error.ts';

/** Time for the requests in flight after a signal, and for all of the shutdown, in ms. */
const GRACE = 10_000;
const SHUTDOWN = 15_000;

/** Conversations worked on at once, and how many of them may be one organization's. The embedded database has one connection. */
const LANES = { concurrency: 32, perOrganization: 16 };
const EMBEDDED_LANES = { concurrency: 8, perOrganization: 4 };

/** What an operator can mend. The message says it all, a stack would hide it. */
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

/** The gateway from its settings to its last answer. Resolves once it is shut down. */
async function main(): Promise<void> {
  const stopped = firstSignal();
  const settings = parseEnv(process.env);
  // WebAssembly (the embedded database, Prisma's query compiler) is optimized later than usual: at the start that takes a third of the processor's
  // time, and memory, for what is mostly run no more. What is hot is optimized within seconds all the same.
  setFlagsFromString('--wasm-tiering-budget=100000000');
  const log = createLog(settings.logLevel);
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught error');
    process.exit(1);
  });

  // Until it is migrated, a start may wait long for PostgreSQL, and what it does there is done whole or not at all.
  let canBeLeft = settings.databaseUrl !== undefined;
  void stopped.then((signal) => {
    if (!canBeLeft) return;
    log.info({ signal }, 'stopped before it had started');
    process.exit(0);
  });
  const secrets = createSecrets(...(await masterKeysOf(settings)));
  // The embedded database compiles beside this thread, so the app's modules load meanwhile.
  const [database, { createApp }] = await Promise.all([connect({ ...settings, ...settings.limits, log }), import('./app.ts')]);
  try {
    const [applied] = await Promise.all([migrate(database.pool, MIGRATIONS), database.prisma.$connect()]);
    canBeLeft = false;
    for (const name of applied) log.info({ migration: name }, 'migration applied');
    const { botFramework, ...platforms } = connectPlatforms({
      settings,
      report: (report) => void app.fetch(callbackOf(report)),
      isKnownAudience: async (applicationId) => (await database.prisma.bot.count({ where: { applicationId } })) > 0,
    });
    // The embedded database is this process' own.
    const verified = createVerifiedCredentials({ hears: database.kind === 'embedded' });
    const gateway: Gateway = {
      prisma: database.prisma,
      sql: database.sql,
      secrets,
      verified,
      ...platforms,
      hints: { queued: () => notifier.hints.queued(), appended: (organizationSid) => notifier.hints.appended(organizationSid) },
      get publicUrl() {
        return settings.publicUrl ?? listener.url;
      },
      log,
    };
    const made = await bootstrapAccount(gateway, settings);
    const first = made && { sid: made.account.sid, token: made.authTokenMadeUp ? made.authToken : undefined };
    // At once: whatever goes wrong from here on, it is there.
    if (first) announceAccount(first);

    let draining = false;
    const rateLimit = settings.rateLimit
      ? await createRateLimit({ perMinute: settings.rateLimit, redisUrl: settings.redisUrl, log })
      : undefined;
    const live = createLive({ prisma: database.prisma, log });
    const app = createApp({
      gateway,
      live,
      contract: settings,
      log,
      botFramework,
      embedded: { carrier: !settings.restcomm, teams: !settings.microsoft },
      graph: settings.graph,
      limits: settings.limits,
      rateLimit,
      corsOrigins: settings.corsOrigins,
      isReady: () => !draining && database.ready(),
    });
    const credentialChanges = settings.databaseUrl
      ? followCredentialChanges({ databaseUrl: settings.databaseUrl, prisma: database.prisma, verified, log })
      : undefined;
    const openChannel = await channelOf(settings, log);
    const listener = await listen(app.fetch, { ...settings, direct: app.direct });
    const sockets = app.attach(listener.server, listener.addressOf);
    const lanes = database.kind === 'embedded' ? EMBEDDED_LANES : LANES;
    const exchange = startExchange(gateway, { ...lanes, ...settings });
    const notifier = startNotifier({
      here: {
        queued: () => exchange.wake(),
        appended: (organizationSid) => live.wake(organizationSid),
        missed: () => {
          exchange.wake();
          live.wakeAll();
        },
      },
      openChannel,
    });
    announce(listener.url, first);
    log.info({ url: listener.url, database: database.kind, ms: Math.round(performance.now()) }, 'listening');

    const signal = await stopped;
    log.info({ signal }, 'draining');
    draining = true;
    setTimeout(() => process.exit(1), SHUTDOWN).unref();
    sockets.goAway();
    app.drain();
    if (!(await listener.drain(GRACE))) log.warn('requests were cut: they took longer than the grace period');
    await sockets.dispose();
    await exchange.stop();
    await notifier.close();
    await credentialChanges?.close();
    rateLimit?.close();
  } finally {
    await database.close();
  }
  log.info('stopped');
}

/** What carries hints between the instances on one database. The embedded database has one instance only. */
async function channelOf({ databaseUrl, redisUrl }: Settings, log: Logger): Promise<OpenChannel | undefined> {
  if (!databaseUrl) return undefined;
  if (redisUrl) return (await import('./channels/redis-channel.ts')).redisChannel(redisUrl, log);
  return (await import('./channels/postgres-channel.ts')).postgresChannel(databaseUrl, log);
}

/** The embedded carrier's report as Restcomm would send it. */
function callbackOf({ statusCallback, messageSid, status, errorCode = '' }: SmsReport): Request {
  return new Request(statusCallback, {
    method: 'POST',
    body: new URLSearchParams({ MessageSid: messageSid, MessageStatus: status, ErrorCode: errorCode }),
  });
}

/** The first SIGTERM or SIGINT, also one that comes while the gateway still starts. A second one ends the process at once. */
function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let signals = 0;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        signals += 1;
        if (signals > 1) process.exit(1);
        resolve(signal);
      });
    }
  });
}

interface FirstAccount {
  readonly sid: string;
  /** Where it was made up. */
  readonly token?: string;
}

/** The account that a new database has now. A made-up token is told here and never again. */
function announceAccount({ sid, token }: FirstAccount): void {
  const lines = ['The first account of this new database:', `  account SID   ${sid}`];
  if (token) lines.push(`  auth token    ${token}   (shown only now)`);
  process.stdout.write(`${lines.join('\n')}\n\n`);
}

/** The lines for whoever started the gateway. */
function announce(url: string, first?: FirstAccount): void {
  const lines = [`Teams SMS gateway listening on ${url}`];
  if (first) {
    const { sid, token = '<BOOTSTRAP_AUTH_TOKEN>' } = first;
    lines.push(`  REST          curl -u '${sid}:${token}' ${url}/msteams/enterprises/search`, `  GraphiQL      ${url}/graphql`, '');
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

try {
  await main();
  process.exit(0);
} catch (error) {
  const expected = error instanceof Error && EXPECTED.some((kind) => error instanceof kind);
  process.stderr.write(`${expected ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
