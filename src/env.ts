import { z } from 'zod';
import { DEFAULT_LIMITS, type Limits } from './admission/limits.ts';
import { isTrustProxy, parseTrustProxy, type TrustProxy } from './server/trusted-proxies.ts';
import { SettingsError } from './settings-error.ts';

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const SWITCH = ['on', 'off'] as const;

const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,8}$/)
    .transform(Number)
    .refine((value) => value >= least && value <= most);

const masterKey = z
  .base64()
  .transform((text) => Buffer.from(text, 'base64'))
  .refine((key) => key.length === 32);

const settings = z
  .object({
    /** TCP port to listen on; 0 takes any free one. */
    PORT: z
      .string()
      .regex(/^\d{1,5}$/)
      .transform(Number)
      .refine((port) => port <= 65_535)
      .default(4000),
    /** Address to listen on. Only this machine unless asked: HTTP Basic in the clear belongs behind a TLS proxy. `0.0.0.0` or `::` in a container. */
    HOST: z.string().default('127.0.0.1'),
    /** Directory of the embedded database, its lock and its key file. Not used with DATABASE_URL. */
    DATA_DIR: z.string().default('./.data'),
    /** PostgreSQL 15 or later to use instead of the embedded database. */
    DATABASE_URL: z.string().refine(isPostgresUrl).optional(),
    /** SID of the first account of a new database. Made up where unset. */
    BOOTSTRAP_ACCOUNT_SID: z
      .string()
      .regex(/^AC[0-9a-f]{32}$/)
      .optional(),
    /** Its auth token. Made up, and printed once, where unset. */
    BOOTSTRAP_AUTH_TOKEN: z
      .string()
      .regex(/^[\x21-\x7e]{16,128}$/)
      .optional(),
    /** Its e-mail address. */
    BOOTSTRAP_ACCOUNT_EMAIL: z.email().optional(),
    /** REST's dates: `iso` (ISO 8601, UTC) or `recorded`, the formats of the source document's own examples. */
    REST_TIMESTAMPS: z.enum(['iso', 'recorded']).default('iso'),
    /** REST's clientSecret: `plain`, as documented, or `masked`, its last four characters. */
    REST_BOT_SECRETS: z.enum(['plain', 'masked']).default('plain'),
    /** Under which Restcomm and callers reach this gateway, for webhooks. Its listening address where unset. */
    PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
    /** Restcomm's base address. Where unset, an embedded stand-in plays the carrier. */
    RESTCOMM_URL: z
      .url({ protocol: /^https?$/ })
      .refine((url) => new URL(url).username === '' && new URL(url).password === '')
      .optional(),
    /** The account there that numbers and messages are under. Mandatory with RESTCOMM_URL. */
    RESTCOMM_ACCOUNT_SID: z
      .string()
      .regex(/^AC[0-9a-f]{32}$/)
      .optional(),
    /** Its auth token. Mandatory with RESTCOMM_URL. */
    RESTCOMM_AUTH_TOKEN: z
      .string()
      .regex(/^[\x21-\x7e]+$/)
      .optional(),
    /** Teams' side: `embedded`, a stand-in that accepts everything, or `microsoft`. */
    TEAMS_PLATFORM: z.enum(['embedded', 'microsoft']).default('embedded'),
    /** Where bots get their tokens. */
    MICROSOFT_LOGIN_URL: z.url({ protocol: /^https?$/ }).default('https://login.microsoftonline.com'),
    /** Microsoft Graph. */
    MICROSOFT_GRAPH_URL: z.url({ protocol: /^https?$/ }).default('https://graph.microsoft.com'),
    /** The connector for users who have not written yet. */
    BOT_SERVICE_URL: z.url({ protocol: /^https?$/ }).default('https://smba.trafficmanager.net/teams/'),
    /** Hosts that a bot's token may be sent to, comma separated; `*.` before a domain stands for every host below it. */
    BOT_SERVICE_HOSTS: z
      .string()
      .transform((list) => list.split(',').map((host) => host.trim()))
      .optional(),
    /** Who signs the Bot Framework's requests, and whom bots' tokens are for. */
    BOT_FRAMEWORK_ISSUER: z.url().default('https://api.botframework.com'),
    /** Where the Bot Framework publishes its keys. */
    BOT_FRAMEWORK_OPENID_URL: z.url({ protocol: /^https?$/ }).default('https://login.botframework.com/v1/.well-known/openidconfiguration'),
    /** Redis that carries hints between instances, for where a pooler breaks PostgreSQL's LISTEN. Not used with the embedded database. */
    REDIS_URL: z.string().refine(isRedisUrl).optional(),
    /** For how many days message events are kept: a client that was away for longer begins anew. */
    EVENT_RETENTION: z
      .string()
      .regex(/^\d{1,4}$/)
      .transform(Number)
      .refine((days) => days >= 1 && days <= 3650)
      .default(30),
    /** For how many days the audit log is kept. */
    AUDIT_RETENTION: wholeNumber(30, 3650).default(365),
    /** How many proxies in front of the gateway are trusted to tell the client's address in X-Forwarded-For, or their addresses, comma separated. */
    TRUST_PROXY: z.string().refine(isTrustProxy).transform(parseTrustProxy).optional(),
    /** `production` turns off what helps developers and strangers alike: INTROSPECTION and GRAPHIQL. */
    NODE_ENV: z.string().optional(),
    /** May the graph's schema be asked for, and do errors suggest its names? */
    INTROSPECTION: z.enum(SWITCH).optional(),
    /** Is GraphiQL served at /graphql? */
    GRAPHIQL: z.enum(SWITCH).optional(),
    /** Run the documents of TRUSTED_DOCUMENTS_FILE `only`, or `prefer` them (clients may name them), or `off`. */
    TRUSTED_DOCUMENTS: z.enum(['off', 'prefer', 'only']).default('off'),
    /** The manifest, in Relay's or Apollo's form. Mandatory with TRUSTED_DOCUMENTS. */
    TRUSTED_DOCUMENTS_FILE: z.string().optional(),
    /** Requests a minute of each account, over both faces and every transport, or `off`. Counted in Redis where REDIS_URL is set. */
    RATE_LIMIT: z.union([z.literal('off'), wholeNumber(1, 10_000_000)]).default(6000),
    /** Within how many seconds an answer begins. */
    REQUEST_TIMEOUT: wholeNumber(1, 600)
      .transform((seconds) => seconds * 1000)
      .default(DEFAULT_LIMITS.requestTimeoutMs),
    /** Open WebSockets of each account, on each instance. */
    MAX_SOCKETS_PER_ACCOUNT: wholeNumber(1, 1_000_000).default(DEFAULT_LIMITS.socketsPerAccount),
    /** Open subscriptions of each account, on each instance. */
    MAX_SUBSCRIPTIONS_PER_ACCOUNT: wholeNumber(1, 1_000_000).default(DEFAULT_LIMITS.subscriptionsPerAccount),
    /** Origins whose pages may use both faces from a browser, comma separated, as browsers send them. */
    CORS_ORIGINS: z
      .string()
      .transform((list) => list.split(',').map((origin) => origin.trim()))
      .refine((origins) => origins.every(isOrigin))
      .optional(),
    /** Least level that is logged. */
    LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
    /** Master key of sealed secrets and token digests: 32 bytes in base64. Where unset, the embedded database keeps one in DATA_DIR/secrets.key. */
    SECRETS_KEY: masterKey.optional(),
    /** The same while keys are rotated, comma separated: the current one first, behind it those whose secrets are still around. */
    SECRETS_KEYS: z
      .string()
      .transform((list) => list.split(',').map((key) => key.trim()))
      .pipe(z.array(masterKey))
      .optional(),
  })
  .refine(({ RESTCOMM_URL, RESTCOMM_ACCOUNT_SID }) => RESTCOMM_URL === undefined || RESTCOMM_ACCOUNT_SID !== undefined, {
    path: ['RESTCOMM_ACCOUNT_SID'],
    params: { missing: true },
    when: () => true,
  })
  .refine(({ RESTCOMM_URL, RESTCOMM_AUTH_TOKEN }) => RESTCOMM_URL === undefined || RESTCOMM_AUTH_TOKEN !== undefined, {
    path: ['RESTCOMM_AUTH_TOKEN'],
    params: { missing: true },
    when: () => true,
  })
  .refine(
    ({ TRUSTED_DOCUMENTS, TRUSTED_DOCUMENTS_FILE }) =>
      !['only', 'prefer'].includes(TRUSTED_DOCUMENTS) || TRUSTED_DOCUMENTS_FILE !== undefined,
    {
      path: ['TRUSTED_DOCUMENTS_FILE'],
      params: { missing: true },
      when: () => true,
    },
  )
  .refine(({ DATABASE_URL, SECRETS_KEY, SECRETS_KEYS }) => DATABASE_URL === undefined || (SECRETS_KEY ?? SECRETS_KEYS) !== undefined, {
    path: ['SECRETS_KEY'],
    params: { missing: true },
    when: () => true,
  })
  .refine(({ SECRETS_KEY, SECRETS_KEYS }) => SECRETS_KEY === undefined || SECRETS_KEYS === undefined, { path: ['SECRETS_KEYS'] });

const TAKES: Record<string, string> = {
  PORT: 'a port from 0 to 65535',
  HOST: 'a host name or an IP address',
  DATA_DIR: 'a directory',
  DATABASE_URL: 'postgresql://user:password@host:port/database',
  BOOTSTRAP_ACCOUNT_SID: 'AC and 32 lower-case hexadecimal digits',
  BOOTSTRAP_AUTH_TOKEN: '16 to 128 visible ASCII characters without spaces',
  BOOTSTRAP_ACCOUNT_EMAIL: 'an e-mail address',
  REST_TIMESTAMPS: 'iso or recorded',
  REST_BOT_SECRETS: 'plain or masked',
  PUBLIC_URL: 'https://host',
  RESTCOMM_URL: 'https://host, without credentials',
  RESTCOMM_ACCOUNT_SID: 'AC and 32 lower-case hexadecimal digits',
  RESTCOMM_AUTH_TOKEN: 'visible ASCII characters without spaces',
  TEAMS_PLATFORM: 'embedded or microsoft',
  MICROSOFT_LOGIN_URL: 'https://host',
  MICROSOFT_GRAPH_URL: 'https://host',
  BOT_SERVICE_URL: 'https://host/path',
  BOT_SERVICE_HOSTS: 'hosts, comma separated',
  BOT_FRAMEWORK_ISSUER: 'https://host',
  BOT_FRAMEWORK_OPENID_URL: 'https://host/path',
  REDIS_URL: 'redis://user:password@host:port/number, or rediss:// for TLS',
  EVENT_RETENTION: 'days from 1 to 3650',
  AUDIT_RETENTION: 'days from 30 to 3650',
  TRUST_PROXY: 'a number of proxies from 1 to 10, or IP addresses and ranges (10.0.0.0/8), comma separated',
  NODE_ENV: 'production, or anything else',
  INTROSPECTION: 'on or off',
  GRAPHIQL: 'on or off',
  TRUSTED_DOCUMENTS: 'off, prefer or only',
  TRUSTED_DOCUMENTS_FILE: 'a file',
  RATE_LIMIT: 'requests a minute from 1 to 10000000, or off',
  REQUEST_TIMEOUT: 'seconds from 1 to 600',
  MAX_SOCKETS_PER_ACCOUNT: 'a number from 1 to 1000000',
  MAX_SUBSCRIPTIONS_PER_ACCOUNT: 'a number from 1 to 1000000',
  CORS_ORIGINS: 'https://host or https://host:port, comma separated, without a path',
  LOG_LEVEL: LOG_LEVELS.join(', '),
  SECRETS_KEY: '32 bytes in base64, as `openssl rand -base64 32` prints them',
  SECRETS_KEYS: 'such keys, comma separated, in the place of SECRETS_KEY: the current one first',
};
const NEEDED_WITH: Record<string, string> = { SECRETS_KEY: 'DATABASE_URL', TRUSTED_DOCUMENTS_FILE: 'TRUSTED_DOCUMENTS' };
/** What the message must not repeat. */
const CONFIDENTIAL = new Set([
  'DATABASE_URL',
  'BOOTSTRAP_AUTH_TOKEN',
  'RESTCOMM_URL',
  'RESTCOMM_AUTH_TOKEN',
  'REDIS_URL',
  'SECRETS_KEY',
  'SECRETS_KEYS',
]);

export interface Settings {
  readonly port: number;
  readonly host: string;
  readonly dataDir: string;
  readonly databaseUrl?: string;
  readonly bootstrapAccountSid?: string;
  readonly bootstrapAuthToken?: string;
  readonly bootstrapAccountEmail?: string;
  readonly restTimestamps: 'iso' | 'recorded';
  readonly restBotSecrets: 'plain' | 'masked';
  readonly publicUrl?: string;
  /** Absent: the embedded stand-in. */
  readonly restcomm?: { readonly url: string; readonly accountSid: string; readonly authToken: string };
  /** Absent: the embedded stand-in. */
  readonly microsoft?: {
    readonly loginUrl: string;
    readonly graphUrl: string;
    readonly serviceUrl: string;
    readonly serviceHosts?: readonly string[];
    readonly issuer: string;
    readonly openIdUrl: string;
  };
  readonly redisUrl?: string;
  readonly eventRetentionDays: number;
  readonly auditRetentionDays: number;
  readonly trustProxy?: TrustProxy;
  readonly graph: {
    readonly introspection: boolean;
    readonly graphiql: boolean;
    /** Absent: TRUSTED_DOCUMENTS is off. */
    readonly trustedDocuments?: { readonly mode: 'prefer' | 'only'; readonly file: string };
  };
  /** Requests a minute of each account; absent: off. */
  readonly rateLimit?: number;
  readonly limits: Limits;
  readonly corsOrigins: readonly string[];
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** The current key, and behind it those that are retired. Absent: the embedded database's own file. */
  readonly secretsKeys?: readonly Buffer[];
}

/**
 * The settings in `env`. Space around a value is ignored and an empty value counts as unset.
 * @throws SettingsError naming every variable that can't be used, never showing a secret's value
 */
export function parseEnv(env: Record<string, string | undefined>): Settings {
  const given = Object.fromEntries(
    Object.keys(TAKES)
      .map((name) => [name, env[name]?.trim()])
      .filter(([, value]) => value),
  );
  const parsed = settings.safeParse(given);
  if (!parsed.success) {
    const names = new Set(parsed.error.issues.map((issue) => String(issue.path[0])));
    throw new SettingsError([...names].map((name) => complaint(name, given[name])).join('\n'));
  }
  const value = parsed.data;
  const byEnvironment = value.NODE_ENV === 'production' ? 'off' : 'on';
  return {
    port: value.PORT,
    host: value.HOST,
    dataDir: value.DATA_DIR,
    databaseUrl: value.DATABASE_URL,
    bootstrapAccountSid: value.BOOTSTRAP_ACCOUNT_SID,
    bootstrapAuthToken: value.BOOTSTRAP_AUTH_TOKEN,
    bootstrapAccountEmail: value.BOOTSTRAP_ACCOUNT_EMAIL,
    restTimestamps: value.REST_TIMESTAMPS,
    restBotSecrets: value.REST_BOT_SECRETS,
    publicUrl: value.PUBLIC_URL?.replace(/\/+$/, ''),
    restcomm: value.RESTCOMM_URL
      ? { url: value.RESTCOMM_URL, accountSid: value.RESTCOMM_ACCOUNT_SID ?? '', authToken: value.RESTCOMM_AUTH_TOKEN ?? '' }
      : undefined,
    microsoft:
      value.TEAMS_PLATFORM === 'microsoft'
        ? {
            loginUrl: value.MICROSOFT_LOGIN_URL,
            graphUrl: value.MICROSOFT_GRAPH_URL,
            serviceUrl: value.BOT_SERVICE_URL,
            serviceHosts: value.BOT_SERVICE_HOSTS,
            issuer: value.BOT_FRAMEWORK_ISSUER,
            openIdUrl: value.BOT_FRAMEWORK_OPENID_URL,
          }
        : undefined,
    redisUrl: value.REDIS_URL,
    eventRetentionDays: value.EVENT_RETENTION,
    auditRetentionDays: value.AUDIT_RETENTION,
    trustProxy: value.TRUST_PROXY,
    graph: {
      introspection: (value.INTROSPECTION ?? byEnvironment) === 'on',
      graphiql: (value.GRAPHIQL ?? byEnvironment) === 'on',
      trustedDocuments:
        value.TRUSTED_DOCUMENTS === 'off' ? undefined : { mode: value.TRUSTED_DOCUMENTS, file: value.TRUSTED_DOCUMENTS_FILE ?? '' },
    },
    rateLimit: value.RATE_LIMIT === 'off' ? undefined : value.RATE_LIMIT,
    limits: {
      requestTimeoutMs: value.REQUEST_TIMEOUT,
      socketsPerAccount: value.MAX_SOCKETS_PER_ACCOUNT,
      subscriptionsPerAccount: value.MAX_SUBSCRIPTIONS_PER_ACCOUNT,
    },
    corsOrigins: value.CORS_ORIGINS ?? [],
    logLevel: value.LOG_LEVEL,
    secretsKeys: value.SECRETS_KEYS ?? (value.SECRETS_KEY && [value.SECRETS_KEY]),
  };
}

function isPostgresUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, host, pathname, searchParams } = new URL(text);
  return /^postgres(ql)?:$/.test(protocol) && (host !== '' || searchParams.has('host')) && pathname.length > 1;
}

/** As a browser sends it: nothing behind the host, and no port that goes without saying. */
function isOrigin(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text && !text.includes('*');
}

function isRedisUrl(text: string): boolean {
  return URL.canParse(text) && /^rediss?:$/.test(new URL(text).protocol) && new URL(text).hostname !== '';
}

function complaint(name: string, value: string | undefined): string {
  if (value === undefined) return `${name} is mandatory with ${NEEDED_WITH[name] ?? 'RESTCOMM_URL'}: ${TAKES[name]}`;
  return `${name} is invalid${CONFIDENTIAL.has(name) ? '' : ` (${value})`}: it takes ${TAKES[name]}`;
}
