import type { Logger } from 'pino';
import { followCredentialChanges } from './admission/credential-changes.ts';
import { createRateLimit, type RateLimit } from './admission/rate-limit.ts';
import { createStatementTurns } from './admission/statements.ts';
import type { App, createApp } from './app.ts';
import { type ImportRunner, startImports } from './bulk/import-runner.ts';
import { type Notifier, type OpenChannel, startNotifier } from './channels/notify.ts';
import { loadConsole } from './console-files.ts';
import type { Database } from './database/connect.ts';
import { bootstrapAccount } from './domain/access/accounts.ts';
import { hasBotOf } from './domain/bot-audience.ts';
import { createKeptMappings } from './domain/caches/kept-mappings.ts';
import { createVerifiedCredentials } from './domain/caches/verified-credentials.ts';
import { hasConsoleTab, keepConsoleTab } from './domain/console-tab.ts';
import type { Gateway } from './domain/gateway.ts';
import type { Secrets } from './domain/secrets.ts';
import type { Settings } from './env.ts';
import { type Exchange, startExchange } from './exchange/exchange.ts';
import { readBacklog } from './exchange/outbox/backlog.ts';
import { createAccessLog } from './execution/access-log.ts';
import type { OperationReport } from './execution/operations.ts';
import type { WebSockets } from './graph/streams/websocket.ts';
import { createLive, type Live } from './live/live.ts';
import { metricsEndpoint } from './metrics/endpoint.ts';
import type { Metrics } from './metrics/metrics.ts';
import { connectPlatforms } from './platforms/connect.ts';
import type { ObserveCall } from './platforms/observed.ts';
import type { SmsReport } from './platforms/restcomm/embedded.ts';
import { type Listener, listen } from './server/server.ts';

/** How long requests in flight may still take once the gateway stops, in ms. */
const GRACE_MS = 10_000;
/**
 * When the requests to platforms and webhook endpoints end, in ms from then, so that those who wait for one still get a response; and when the gateway
 * gives up recording what was delivered, if the database does not let it.
 */
const CUT_OFF_MS = 9000;

/** How many messages are under way to each platform at once, unless a setting says so. The embedded database has one connection. */
const MAX_DELIVERIES = { postgres: 600, embedded: 64 };

interface StartOptions {
  readonly settings: Settings;
  /** Connected and migrated. */
  readonly database: Database;
  readonly secrets: Secrets;
  /** Loaded while the database opens. */
  readonly createApp: typeof createApp;
  /** Absent: off. */
  readonly metrics?: Metrics;
  /** Traces requests to platforms and webhook endpoints. Absent: nothing is traced. */
  readonly traceCall?: ObserveCall;
  /** Called as soon as a new database has its first account, which remains even if the start then fails. */
  readonly onFirstAccount: (account: FirstAccount) => void;
  readonly log: Logger;
}

/** The first account of a new database. */
export interface FirstAccount {
  readonly sid: string;
  /** Present only if it was generated. */
  readonly token?: string;
}

/** A gateway that serves requests and moves messages. */
interface Running {
  readonly url: string;
  /** Where /metrics is, if it has a port of its own. */
  readonly metricsUrl?: string;
  /**
   * Ends live streams, lets requests finish, and releases what is claimed, within some 10 s. The database stays open.
   * @returns false if claims may remain until their leases expire, since the database did not let them be released
   */
  stop(): Promise<boolean>;
}

/** Parts that are created last, but needed by earlier ones. They are set before the first request. */
interface Wiring {
  app?: App;
  listener?: Listener;
  notifier?: Notifier;
  imports?: ImportRunner;
  exchange?: Exchange;
  /** Ends what is under way to platforms and webhook endpoints, and the wait for a database that is away. */
  readonly cutOff: AbortController;
}

/** Starts everything on an open database, and listens. @throws ListenError, AccountError */
export async function startGateway(options: StartOptions): Promise<Running> {
  const { settings, database, metrics, onFirstAccount, log } = options;
  const wiring: Wiring = { cutOff: new AbortController() };
  const { gateway, botFramework } = assemble(options, wiring);
  const first = await bootstrapAccount(gateway, settings);
  if (first) onFirstAccount({ sid: first.account.sid, token: first.authTokenMadeUp ? first.authToken : undefined });

  let draining = false;
  const rateLimit = await rateLimitOf(options);
  const statements = createStatementTurns(database.sql);
  const live = createLive({ prisma: database.prisma, sql: database.sql, inTurn: statements, log });
  const app = options.createApp({
    ...{ gateway, live, statements, contract: settings, log, botFramework, rateLimit },
    ...{ graph: settings.graph, limits: settings.limits, corsOrigins: settings.corsOrigins },
    console: settings.console ? loadConsole() : undefined,
    embedded: { carrier: !settings.restcomm, teams: !settings.microsoft && !settings.playground },
    playground: settings.playground !== undefined,
    ...(metrics && observersOf(options, metrics)),
    isReady: () => !draining && database.ready(),
  });
  wiring.app = app;
  const { databaseUrl } = settings;
  const credentialChanges = databaseUrl
    ? followCredentialChanges({ databaseUrl, prisma: database.prisma, kept: [gateway.verified, gateway.keptMappings], log })
    : undefined;
  const openChannel = await channelOf(settings, log);
  // Listens on both ports before the exchange begins: a start that fails because a port is in use must not leave claimed lanes behind.
  const metricsListener = await serveMetrics(options);
  const listener = await listen(app.fetch, { ...settings, direct: app.direct, socketPath: app.socketPath });
  wiring.listener = listener;
  const sockets = app.attach(listener.server, listener.addressOf);
  const { maxDeliveries: concurrency = MAX_DELIVERIES[database.kind] } = settings;
  const { maxDeliveriesPerOrganization: perOrganization = Math.ceil(concurrency / 2) } = settings;
  const exchange = startExchange(gateway, {
    ...settings,
    concurrency,
    perOrganization,
    cutOff: wiring.cutOff.signal,
    isCarrierEmbedded: !settings.restcomm,
    observeJob: metrics?.observeJob,
    observeEndpointDisabled: metrics?.observeEndpointDisabled,
  });
  wiring.exchange = exchange;
  const imports = startImports(gateway);
  wiring.imports = imports;
  const notifier = notifyWith(exchange, live, openChannel);
  wiring.notifier = notifier;

  const { pools: connections, standbyAwayFor } = database;
  metrics?.measure({ connections, standbyAwayFor, streams: live, readBacklog: () => readBacklog(database.sql) });

  return {
    url: listener.url,
    metricsUrl: metricsListener?.url,
    stop: async () => {
      draining = true;
      const late = setTimeout(() => wiring.cutOff.abort(), CUT_OFF_MS);
      // All at once: while requests end, nothing new is claimed.
      const [isReleased] = await Promise.all([exchange.stop(), stopServing(app, listener, sockets, log), imports.stop()]);
      clearTimeout(late);
      await notifier.close();
      await credentialChanges?.close();
      rateLimit?.close();
      await metricsListener?.drain(0);
      metrics?.close();
      return isReleased;
    },
  };
}

/** Creates the domain's dependencies. */
function assemble({ settings, database, secrets, metrics, traceCall, log }: StartOptions, wiring: Wiring) {
  const { botFramework, ...platforms } = connectPlatforms({
    settings,
    report: (report) => void wiring.app?.fetch(callbackOf(report)),
    isKnownAudience: (applicationId, clouds) => hasBotOf(database.sql, applicationId, clouds),
    observeCalls: [metrics?.observeCall, traceCall].filter((observe) => observe !== undefined),
    observeWebhooks: traceCall,
    cutOff: wiring.cutOff.signal,
  });
  const counted = metrics?.counted ?? ((_name, cache) => cache);
  const gateway: Gateway = {
    ...{ prisma: database.prisma, sql: database.sql, secrets, log },
    // No other process writes to the embedded database, so no change is missed.
    verified: counted('credentials', createVerifiedCredentials({ hears: database.kind === 'embedded' })),
    keptMappings: counted('mappings', createKeptMappings({ hears: database.kind === 'embedded' })),
    consoleTab: keepConsoleTab({ read: () => hasConsoleTab(database.prisma), log }),
    ...platforms,
    webhooks: metrics ? metrics.countedWebhooks(platforms.webhooks) : platforms.webhooks,
    foldTypography: settings.foldTypography,
    hints: {
      queued: (platform) => wiring.notifier?.hints.queued(platform),
      appended: (organizationSid, event) => wiring.notifier?.hints.appended(organizationSid, event),
      healthChanged: (organizationSid) => wiring.notifier?.hints.healthChanged?.(organizationSid),
      installable: () => wiring.exchange?.installable(),
      importReady: () => wiring.imports?.wake(),
    },
    get publicUrl() {
      return settings.publicUrl ?? wiring.listener?.url ?? '';
    },
  };
  return { gateway, botFramework };
}

/** The app's observers, and /metrics on its port, unless it has one of its own. */
function observersOf({ settings, log }: StartOptions, metrics: Metrics) {
  const logOperation = createAccessLog(log);
  const { observeRequest, observeRefusal, observeOperation } = metrics;
  return {
    ...{ observeRequest, observeRefusal },
    observe: (report: OperationReport) => {
      logOperation(report);
      observeOperation(report);
    },
    metrics: settings.metrics?.port === undefined ? metricsEndpoint(metrics, settings.metrics?.token) : undefined,
  };
}

/** Serves /metrics on a port of its own, if it has one. @throws ListenError */
async function serveMetrics({ settings, metrics }: StartOptions): Promise<Listener | undefined> {
  const { host, port, token } = settings.metrics ?? {};
  if (!metrics || host === undefined || port === undefined) return undefined;
  const serve = metricsEndpoint(metrics, token);
  const notFound = () => new Response(null, { status: 404 });
  return listen((request) => (new URL(request.url).pathname === '/metrics' ? serve(request) : notFound()), { host, port });
}

async function rateLimitOf({ settings, metrics, log }: StartOptions): Promise<RateLimit | undefined> {
  const { rateLimit: perMinute, redisUrl } = settings;
  return perMinute ? createRateLimit({ perMinute, redisUrl, observeRefusal: metrics?.observeRefusal, log }) : undefined;
}

/** Returns the channel for hints between instances. The embedded database has only one instance. */
async function channelOf({ databaseUrl, redisUrl }: Settings, log: Logger): Promise<OpenChannel | undefined> {
  if (!databaseUrl) return undefined;
  if (redisUrl) return (await import('./channels/redis-channel.ts')).redisChannel(redisUrl, log);
  return (await import('./channels/postgres-channel.ts')).postgresChannel(databaseUrl, log);
}

function notifyWith(exchange: Exchange, live: Live, openChannel: OpenChannel | undefined): Notifier {
  return startNotifier({
    here: {
      queued: (platform) => exchange.wake(platform),
      appended: (organizationSid, event) => {
        live.wake(organizationSid, event);
        exchange.appended(organizationSid);
      },
      healthChanged: live.wakeBotHealth,
      missed: () => {
        exchange.wake();
        live.wakeAll();
      },
    },
    openChannel,
  });
}

/** Converts a report of the embedded carrier to the request that Restcomm would send. */
function callbackOf({ statusCallback, messageSid, status, errorCode = '' }: SmsReport): Request {
  return new Request(statusCallback, {
    method: 'POST',
    body: new URLSearchParams({ MessageSid: messageSid, MessageStatus: status, ErrorCode: errorCode }),
  });
}

async function stopServing(app: App, listener: Listener, sockets: WebSockets, log: Logger): Promise<void> {
  sockets.goAway();
  app.drain();
  if (!(await listener.drain(GRACE_MS))) log.warn('requests were cut off: they took longer than the grace period');
  await sockets.dispose();
}
