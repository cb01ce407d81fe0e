import * as z from 'zod';
import { DEFAULT_LIMITS } from './admission/limits.ts';
import { isTrustProxy, parseTrustProxy } from './server/trusted-proxies.ts';
import { SAMPLERS } from './traces/settings.ts';

// Every environment variable that the gateway reads. `describe` says what a variable accepts, for the message of a SettingsError.

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,8}$/)
    .transform(Number)
    .refine((value) => value >= min && value <= max);

const list = () => z.string().transform((text) => text.split(',').map((item) => item.trim()));
const onOrOff = () => z.enum(['on', 'off']).optional().describe('on or off');
const httpUrl = () => z.url({ protocol: /^https?$/ });
const accountSid = () => z.string().regex(/^AC[0-9a-f]{32}$/);

const masterKey = z
  .base64()
  .transform((text) => Buffer.from(text, 'base64'))
  .refine((key) => key.length === 32);

export const variables = z
  .object({
    /** TCP port to listen on; 0 for any free port. */
    PORT: wholeNumber(0, 65_535).default(4000).describe('a port from 0 to 65535'),
    /** Address to listen on. By default, only this machine can connect: HTTP Basic needs a TLS proxy in front. In a container, `0.0.0.0` or `::`. */
    HOST: z.string().default('127.0.0.1').describe('a host name or an IP address'),
    /** Directory of the embedded database, its lock and its key file. Not used with DATABASE_URL. */
    DATA_DIR: z.string().default('./.data').describe('a directory'),
    /** PostgreSQL 15 or later to use instead of the embedded database. */
    DATABASE_URL: z.string().refine(isPostgresUrl).optional().describe('postgresql://user:password@host:port/database'),
    /** The same database through a pooler in transaction mode, such as PgBouncer, for everything that needs no session. */
    DATABASE_POOLER_URL: z.string().refine(isPostgresUrl).optional().describe('postgresql://user:password@host:port/database'),
    /** A standby of that server, by streaming replication, from which lists and usage are read. */
    DATABASE_REPLICA_URL: z.string().refine(isPostgresUrl).optional().describe('postgresql://user:password@host:port/database'),
    /** SID of the first account of a new database. Random by default. */
    BOOTSTRAP_ACCOUNT_SID: accountSid().optional().describe('AC and 32 lower-case hexadecimal digits'),
    /** Auth token of the first account. Random by default, and then printed once. */
    BOOTSTRAP_AUTH_TOKEN: z
      .string()
      .regex(/^[\x21-\x7e]{16,128}$/)
      .optional()
      .describe('16 to 128 visible ASCII characters without spaces'),
    /** E-mail address of the first account. */
    BOOTSTRAP_ACCOUNT_EMAIL: z.email().optional().describe('an e-mail address'),
    /** Format of REST's dates: `iso` (ISO 8601, UTC), or `recorded`, the formats of the source document's examples. */
    REST_TIMESTAMPS: z.enum(['iso', 'recorded']).default('iso').describe('iso or recorded'),
    /** REST's clientSecret: `plain`, as documented, or `masked` except for its end, at most four characters and at most half of it. */
    REST_BOT_SECRETS: z.enum(['plain', 'masked']).default('plain').describe('plain or masked'),
    /** Base URL at which Restcomm and callers reach this gateway, for webhooks. Its listening address by default. */
    PUBLIC_URL: httpUrl().optional().describe('https://host'),
    /** Restcomm's base URL. Without it, an embedded stand-in plays the carrier. */
    RESTCOMM_URL: httpUrl()
      .refine((url) => new URL(url).username === '' && new URL(url).password === '')
      .optional()
      .describe('https://host, without credentials'),
    /** The account on Restcomm that owns numbers and messages. Mandatory with RESTCOMM_URL. */
    RESTCOMM_ACCOUNT_SID: accountSid().optional().describe('AC and 32 lower-case hexadecimal digits'),
    /** Auth token of RESTCOMM_ACCOUNT_SID. Mandatory with RESTCOMM_URL. */
    RESTCOMM_AUTH_TOKEN: z
      .string()
      .regex(/^[\x21-\x7e]+$/)
      .optional()
      .describe('visible ASCII characters without spaces'),
    /** The longest SMS, in segments. By default as long as Restcomm can store it: 999 characters. */
    SMS_MAX_SEGMENTS: wholeNumber(1, 16).optional().describe('segments from 1 to 16'),
    /** The Teams side: `embedded`, a stand-in that accepts everything; `microsoft`; or `playground`, Microsoft 365 Agents Playground. */
    TEAMS_PLATFORM: z.enum(['embedded', 'microsoft', 'playground']).default('embedded').describe('embedded, microsoft or playground'),
    /** The playground's address on this machine. Only used with TEAMS_PLATFORM=playground. */
    PLAYGROUND_URL: httpUrl().default('http://localhost:56150').describe('http://localhost:port'),
    /** Microsoft's login, which issues the bots' tokens. */
    MICROSOFT_LOGIN_URL: httpUrl().default('https://login.microsoftonline.com').describe('https://host'),
    /** Microsoft Graph. */
    MICROSOFT_GRAPH_URL: httpUrl().default('https://graph.microsoft.com').describe('https://host'),
    /** The Bot Framework's connector for users who have not written yet. */
    BOT_SERVICE_URL: httpUrl().default('https://smba.trafficmanager.net/teams/').describe('https://host/path'),
    /** Hosts that a bot's token may be sent to, comma separated. `*.` before a domain stands for every host below it. */
    BOT_SERVICE_HOSTS: list().optional().describe('hosts, comma separated'),
    /** Issuer of the Bot Framework's tokens, and audience of the bots'. */
    BOT_FRAMEWORK_ISSUER: z.url().default('https://api.botframework.com').describe('https://host'),
    /** OpenID configuration that names the Bot Framework's signing keys. */
    BOT_FRAMEWORK_OPENID_URL: httpUrl()
      .default('https://login.botframework.com/v1/.well-known/openidconfiguration')
      .describe('https://host/path'),
    /** Messages under way to each platform at once. By default 600; 64 with the embedded database. */
    MAX_DELIVERIES: wholeNumber(1, 10_000).optional().describe('a number from 1 to 10000'),
    /** The same of one organization. By default half of MAX_DELIVERIES. */
    MAX_DELIVERIES_PER_ORGANIZATION: wholeNumber(1, 10_000).optional().describe('a number from 1 to 10000'),
    /** Whether Teams texts lose typographic quotes, dashes and spaces where that keeps them in GSM-7. */
    SMS_FOLD_TYPOGRAPHY: z.enum(['on', 'off']).default('on').describe('on or off'),
    /** Redis to pass hints between instances in place of PostgreSQL's LISTEN, and to count RATE_LIMIT for all. Not used with the embedded database. */
    REDIS_URL: z.string().refine(isRedisUrl).optional().describe('redis://user:password@host:port/number, or rediss:// for TLS'),
    /** How many days message events are kept. A client that is disconnected for longer has to start over. */
    EVENT_RETENTION: wholeNumber(1, 3650).default(30).describe('days from 1 to 3650'),
    /** How many days messages are kept where neither their organization nor their enterprise has a retention of its own, or `off` for ever. */
    MESSAGE_RETENTION: z
      .union([z.literal('off'), wholeNumber(1, 36_500)])
      .default('off')
      .describe('days from 1 to 36500, or off'),
    /** Hosts of webhook endpoints that may have private addresses, comma separated; all others must be on the public internet. */
    WEBHOOK_HOSTS: list().optional().describe('hosts, comma separated'),
    /** How many days the audit log is kept. */
    AUDIT_RETENTION: wholeNumber(30, 3650).default(365).describe('days from 30 to 3650'),
    /** The proxies in front of the gateway whose X-Forwarded-For is trusted: how many, or their addresses, comma separated. */
    TRUST_PROXY: z
      .string()
      .refine(isTrustProxy)
      .transform(parseTrustProxy)
      .optional()
      .describe('a number of proxies from 1 to 10, or IP addresses and ranges (10.0.0.0/8), comma separated'),
    /** `production` turns off INTROSPECTION and GRAPHIQL by default. */
    NODE_ENV: z.string().optional().describe('production, or anything else'),
    /** Whether the graph's schema can be queried, and errors suggest names from it. */
    INTROSPECTION: onOrOff(),
    /** Whether GraphiQL is served at /graphql. */
    GRAPHIQL: onOrOff(),
    /** Whether the console is served at /console. */
    CONSOLE: z.enum(['on', 'off']).default('on').describe('on or off'),
    /** Whether to run `only` the documents of TRUSTED_DOCUMENTS_FILE and of the console, to `prefer` them (clients may name them), or `off`. */
    TRUSTED_DOCUMENTS: z.enum(['off', 'prefer', 'only']).default('off').describe('off, prefer or only'),
    /** The manifest, in Relay's or Apollo's format. Mandatory with TRUSTED_DOCUMENTS. */
    TRUSTED_DOCUMENTS_FILE: z.string().optional().describe('a file'),
    /** Requests a minute per organization, over both faces and all transports, or `off`. Counted in Redis if REDIS_URL is set. */
    RATE_LIMIT: z
      .union([z.literal('off'), wholeNumber(1, 10_000_000)])
      .default(6000)
      .describe('requests a minute from 1 to 10000000, or off'),
    /** Seconds within which a response begins. */
    REQUEST_TIMEOUT: wholeNumber(1, 600)
      .transform((seconds) => seconds * 1000)
      .default(DEFAULT_LIMITS.requestTimeoutMs)
      .describe('seconds from 1 to 600'),
    /** Open WebSockets per account, with its enterprises' admins, and instance. */
    MAX_SOCKETS_PER_ACCOUNT: wholeNumber(1, 1_000_000).default(DEFAULT_LIMITS.socketsPerAccount).describe('a number from 1 to 1000000'),
    /** Open subscriptions per account, with its enterprises' admins, and instance. */
    MAX_SUBSCRIPTIONS_PER_ACCOUNT: wholeNumber(1, 1_000_000)
      .default(DEFAULT_LIMITS.subscriptionsPerAccount)
      .describe('a number from 1 to 1000000'),
    /** Origins whose pages may use both faces from a browser, comma separated. */
    CORS_ORIGINS: list()
      .refine((origins) => origins.every(isOrigin))
      .optional()
      .describe('https://host or https://host:port, comma separated, without a path'),
    /** TCP port of its own for /metrics; 0 for any free port. */
    METRICS_PORT: wholeNumber(0, 65_535).optional().describe('a port from 0 to 65535'),
    /** Address of that port. */
    METRICS_HOST: z.string().default('127.0.0.1').describe('a host name or an IP address'),
    /** Bearer token that /metrics requires. Without METRICS_PORT, it serves /metrics on the gateway's port. */
    METRICS_TOKEN: z
      .string()
      .regex(/^[\x21-\x7e]{16,128}$/)
      .optional()
      .describe('16 to 128 visible ASCII characters without spaces'),
    /** OTLP collector that traces are sent to, over HTTP. Without it, nothing is traced. */
    OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl().optional().describe('https://host:port'),
    /** The same, with the whole path, for traces alone. */
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: httpUrl().optional().describe('https://host:port/v1/traces'),
    /** Whether traces are sent. The gateway has no other exporter. */
    OTEL_TRACES_EXPORTER: z.enum(['otlp', 'none']).default('otlp').describe('otlp or none'),
    /** How traces are sent. The gateway knows one way. */
    OTEL_EXPORTER_OTLP_PROTOCOL: z.enum(['http/json']).default('http/json').describe('http/json'),
    /** The same, for traces alone. */
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: z.enum(['http/json']).default('http/json').describe('http/json'),
    /** Which requests are traced. */
    OTEL_TRACES_SAMPLER: z.enum(SAMPLERS).default('parentbased_always_on').describe(SAMPLERS.join(', ')),
    /** The share that a sampler by ratio takes. */
    OTEL_TRACES_SAMPLER_ARG: z
      .string()
      .regex(/^(0?\.\d+|0|1(\.0+)?|0\.\d+)$/)
      .transform(Number)
      .default(1)
      .describe('a number from 0 to 1'),
    /** The gateway's name in traces. */
    OTEL_SERVICE_NAME: z.string().default('teams-sms-gateway').describe('a name'),
    /** Milliseconds that spans are gathered before they are sent. */
    OTEL_BSP_SCHEDULE_DELAY: wholeNumber(1, 60_000).default(5000).describe('milliseconds from 1 to 60000'),
    /** Whether nothing is traced in spite of an endpoint. */
    OTEL_SDK_DISABLED: z.enum(['true', 'false']).default('false').describe('true or false'),
    /** Lowest level to log. */
    LOG_LEVEL: z.enum(LOG_LEVELS).default('info').describe(LOG_LEVELS.join(', ')),
    /** Master key of sealed secrets and token digests, 32 bytes in base64. By default, the embedded database keeps one in DATA_DIR/secrets.key. */
    SECRETS_KEY: masterKey.optional().describe('32 bytes in base64, as `openssl rand -base64 32` prints them'),
    /** The same during a rotation, comma separated: the current key, then the retired keys that stored secrets still need. */
    SECRETS_KEYS: list()
      .pipe(z.array(masterKey))
      .optional()
      .describe('keys like SECRETS_KEY, comma separated, the current one first, and no SECRETS_KEY'),
  })
  .refine(({ SECRETS_KEY, SECRETS_KEYS }) => SECRETS_KEY === undefined || SECRETS_KEYS === undefined, { path: ['SECRETS_KEYS'] });

export type VariableName = keyof typeof variables.shape;
/** The variables that are set, as text. */
export type GivenVariables = Partial<Record<VariableName, string>>;

/** Combinations that are refused, and what to tell the operator. */
export const REFUSED: readonly { isGiven: (given: GivenVariables) => boolean; message: string }[] = [
  {
    isGiven: (given) => given.TEAMS_PLATFORM === 'playground' && given.NODE_ENV === 'production',
    message: 'TEAMS_PLATFORM=playground is refused with NODE_ENV=production: the playground does not sign its requests',
  },
  {
    isGiven: (given) => given.TEAMS_PLATFORM === 'playground' && given.TRUST_PROXY !== undefined,
    message: 'TEAMS_PLATFORM=playground is refused with TRUST_PROXY: requests that a proxy passes on look like those of this machine',
  },
  {
    isGiven: (given) => given.TEAMS_PLATFORM === 'playground' && given.RESTCOMM_URL !== undefined,
    message: 'TEAMS_PLATFORM=playground is refused with RESTCOMM_URL: only the embedded carrier is played with, and nobody is charged',
  },
];

/** The variables that another one makes mandatory. */
export const MANDATORY_WITH: readonly { name: VariableName; because: VariableName; isMissing: (given: GivenVariables) => boolean }[] = [
  {
    name: 'RESTCOMM_ACCOUNT_SID',
    because: 'RESTCOMM_URL',
    isMissing: (given) => given.RESTCOMM_URL !== undefined && given.RESTCOMM_ACCOUNT_SID === undefined,
  },
  {
    name: 'RESTCOMM_AUTH_TOKEN',
    because: 'RESTCOMM_URL',
    isMissing: (given) => given.RESTCOMM_URL !== undefined && given.RESTCOMM_AUTH_TOKEN === undefined,
  },
  {
    name: 'TRUSTED_DOCUMENTS_FILE',
    because: 'TRUSTED_DOCUMENTS',
    isMissing: (given) => /^(only|prefer)$/.test(given.TRUSTED_DOCUMENTS ?? '') && given.TRUSTED_DOCUMENTS_FILE === undefined,
  },
  ...(['DATABASE_POOLER_URL', 'DATABASE_REPLICA_URL'] as const).map((because) => ({
    name: 'DATABASE_URL' as const,
    because,
    isMissing: (given: GivenVariables) => given[because] !== undefined && given.DATABASE_URL === undefined,
  })),
  {
    name: 'SECRETS_KEY',
    because: 'DATABASE_URL',
    isMissing: (given) => given.DATABASE_URL !== undefined && (given.SECRETS_KEY ?? given.SECRETS_KEYS) === undefined,
  },
];

/** The variables whose values no message may contain. */
export const CONFIDENTIAL: ReadonlySet<VariableName> = new Set<VariableName>([
  'DATABASE_URL',
  'DATABASE_POOLER_URL',
  'DATABASE_REPLICA_URL',
  'BOOTSTRAP_AUTH_TOKEN',
  'RESTCOMM_URL',
  'RESTCOMM_AUTH_TOKEN',
  'REDIS_URL',
  'METRICS_TOKEN',
  'SECRETS_KEY',
  'SECRETS_KEYS',
]);

function isPostgresUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, host, pathname, searchParams } = new URL(text);
  return /^postgres(ql)?:$/.test(protocol) && (host !== '' || searchParams.has('host')) && pathname.length > 1;
}

/** Whether browsers would send this text as an Origin header: no path, no default port. */
function isOrigin(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).origin === text && !text.includes('*');
}

function isRedisUrl(text: string): boolean {
  return URL.canParse(text) && /^rediss?:$/.test(new URL(text).protocol) && new URL(text).hostname !== '';
}
