import { randomBytes } from 'node:crypto';
import { type Logger, pino } from 'pino';
import { createStatementTurns, type StatementTurns } from '../../src/admission/statements.ts';
import { type App, type AppOptions, createApp } from '../../src/app.ts';
import type { Database } from '../../src/database/connect.ts';
import { createAccount } from '../../src/domain/access/accounts.ts';
import { createKeptMappings } from '../../src/domain/caches/kept-mappings.ts';
import { createVerifiedCredentials } from '../../src/domain/caches/verified-credentials.ts';
import { hasConsoleTab, keepConsoleTab } from '../../src/domain/console-tab.ts';
import type { Gateway } from '../../src/domain/gateway.ts';
import { createSecrets } from '../../src/domain/secrets.ts';
import { createLive, type Live, type LiveOptions } from '../../src/live/live.ts';
import type { BotFrameworkVerifier } from '../../src/platforms/microsoft/bot-framework-tokens.ts';
import { createEmbeddedMicrosoft } from '../../src/platforms/microsoft/embedded.ts';
import { createOutbound } from '../../src/platforms/outbound.ts';
import { createEmbeddedRestcomm } from '../../src/platforms/restcomm/embedded.ts';
import { createWebhookClient } from '../../src/platforms/webhooks/client.ts';
import { createTestDatabase } from './database.ts';
import { type GraphClient, graphClient } from './graph.ts';
import { type RestClient, restClient } from './rest.ts';

/** A provider with one account, and its clients on both faces. */
export interface Provider {
  readonly organizationSid: string;
  readonly accountSid: string;
  readonly email: string;
  readonly authToken: string;
  readonly graph: GraphClient;
  readonly rest: RestClient;
}

export interface TestGateway {
  readonly database: Database;
  readonly gateway: Gateway;
  readonly live: Live;
  readonly statements: StatementTurns;
  readonly app: App;
  readonly fetch: (request: Request) => Promise<Response>;
  /** Another app on the same database. */
  readonly another: (access: Access) => App;
  /** A new organization with an account of its own. */
  readonly provider: () => Promise<Provider>;
  readonly close: () => Promise<void>;
}

/** The limits and observers that createApp accepts. */
export type Access = Pick<
  AppOptions,
  | 'graph'
  | 'limits'
  | 'rateLimit'
  | 'corsOrigins'
  | 'failedAttempts'
  | 'embedded'
  | 'playground'
  | 'observe'
  | 'observeRequest'
  | 'observeRefusal'
  | 'metrics'
>;

export interface TestGatewayOptions {
  /** Stand-ins for outside platforms; the embedded ones where left out. */
  readonly platforms?: Partial<Pick<Gateway, 'restcomm' | 'microsoft' | 'webhooks'>>;
  /** Proves what Microsoft sends; where left out, nothing is taken from there. */
  readonly botFramework?: BotFrameworkVerifier;
  /** Under which the platforms reach it. */
  readonly publicUrl?: string;
  /** Told when something was put into the outbox. */
  readonly queued?: () => void;
  readonly log?: Logger;
  /** How live streams look for news and hold it back. */
  readonly live?: Partial<Pick<LiveOptions, 'pollMs' | 'idleMs' | 'bufferSize'>>;
  readonly access?: Access;
  /** Nobody else changes credentials: they are verified once a minute, as in production, where others' changes are heard of. */
  readonly isAlone?: true;
  /** Those of another instance on the same database. */
  readonly secrets?: Gateway['secrets'];
  /** What it is on, and closes; a new one where left out. */
  readonly database?: Database;
  readonly restTimestamps?: 'iso' | 'recorded';
  readonly restBotSecrets?: 'plain' | 'masked';
}

/** A whole gateway on a database of its own, reached through `fetch`. */
export async function createTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const database = options.database ?? (await createTestDatabase());
  const gateway: Gateway = {
    prisma: database.prisma,
    sql: database.sql,
    secrets: options.secrets ?? createSecrets(randomBytes(32)),
    // On PostgreSQL others may change them, and nobody listens here: nothing is kept.
    verified: createVerifiedCredentials({ hears: options.isAlone ?? database.kind === 'embedded' }),
    keptMappings: createKeptMappings({ hears: options.isAlone ?? database.kind === 'embedded' }),
    consoleTab: keepConsoleTab({ read: () => hasConsoleTab(database.prisma), log: pino({ level: 'silent' }) }),
    restcomm: createEmbeddedRestcomm(),
    microsoft: createEmbeddedMicrosoft(),
    webhooks: createWebhookClient({
      fetch: createOutbound({ isConfigured: () => false, lookup: (_, __, callback) => callback(new Error('no network'), []) }),
      isPermitted: () => false,
    }),
    hints: {
      queued: options.queued ?? (() => {}),
      appended: (organizationSid, event) => live.wake(organizationSid, event),
      healthChanged: (organizationSid) => live.wakeBotHealth(organizationSid),
    },
    publicUrl: options.publicUrl ?? 'http://gateway.test',
    log: options.log ?? pino({ level: 'silent' }),
    ...options.platforms,
  };
  const { restTimestamps = 'iso', restBotSecrets = 'plain', botFramework } = options;
  const statements = createStatementTurns(database.sql);
  const live = createLive({ prisma: database.prisma, sql: database.sql, inTurn: statements, log: gateway.log, ...options.live });
  const another = (access: Access) =>
    createApp({
      gateway,
      live,
      statements,
      // All of a test's clients have one address, and many of them are refused on purpose.
      failedAttempts: { perAddress: 10_000, perName: 10_000, maxDelayMs: 0 },
      ...access,
      contract: { restTimestamps, restBotSecrets },
      log: gateway.log,
      botFramework,
      isReady: database.ready,
    });
  const app = another(options.access ?? {});
  const fetch = (request: Request) => app.fetch(request, { remoteAddress: '127.0.0.1' });
  return {
    database,
    gateway,
    live,
    statements,
    app,
    fetch,
    another,
    provider: async () => {
      const email = `${randomBytes(6).toString('hex')}@provider.example`;
      const { account, authToken } = await createAccount(gateway, { email, organization: { name: email } });
      const credentials = { user: account.sid, password: authToken };
      return {
        organizationSid: account.organizationSid,
        accountSid: account.sid,
        email,
        authToken,
        graph: graphClient(fetch, credentials),
        rest: restClient(fetch, credentials),
      };
    },
    close: async () => {
      app.drain();
      await database.close();
    },
  };
}
