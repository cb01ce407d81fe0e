import type { z } from 'zod';
import type { Limits } from './admission/limits.ts';
import {
  CONFIDENTIAL,
  type GivenVariables,
  type LOG_LEVELS,
  MANDATORY_WITH,
  REFUSED,
  type VariableName,
  variables,
} from './env-variables.ts';
import type { TrustProxy } from './server/trusted-proxies.ts';
import { SettingsError } from './settings-error.ts';
import type { TracesSettings } from './traces/settings.ts';

export interface Settings {
  readonly port: number;
  readonly host: string;
  readonly dataDir: string;
  /** Absent: the embedded database. */
  readonly databaseUrl?: string;
  /** The same database through a pooler in transaction mode. Absent: no pooler. */
  readonly poolerUrl?: string;
  /** A standby, from which lists are read. Absent: they are read from the database itself. */
  readonly replicaUrl?: string;
  readonly bootstrapAccountSid?: string;
  readonly bootstrapAuthToken?: string;
  readonly bootstrapAccountEmail?: string;
  readonly restTimestamps: 'iso' | 'recorded';
  readonly restBotSecrets: 'plain' | 'masked';
  /** Without a trailing slash. */
  readonly publicUrl?: string;
  /** Absent: the embedded stand-in. */
  readonly restcomm?: { readonly url: string; readonly accountSid: string; readonly authToken: string };
  /** The longest SMS, in segments. Absent: as long as the carrier can store it. */
  readonly maxSegments?: number;
  /** Absent: the embedded stand-in. */
  readonly microsoft?: {
    readonly loginUrl: string;
    readonly graphUrl: string;
    readonly serviceUrl: string;
    readonly serviceHosts?: readonly string[];
    readonly issuer: string;
    readonly openIdUrl: string;
  };
  /** How many messages may be under way to each platform at once, in total and of one organization. Absent: by the database. */
  readonly maxDeliveries?: number;
  readonly maxDeliveriesPerOrganization?: number;
  /** In place of `microsoft`: Microsoft 365 Agents Playground on this machine. */
  readonly playground?: { readonly url: string };
  readonly foldTypography: boolean;
  /** The hosts of webhook endpoints that may have private addresses. */
  readonly webhookHosts?: readonly string[];
  /** How long messages are kept, in days, where neither the organization nor the enterprise says so. Absent: for ever. */
  readonly messageRetentionDays?: number;
  readonly redisUrl?: string;
  readonly eventRetentionDays: number;
  readonly auditRetentionDays: number;
  readonly trustProxy?: TrustProxy;
  /** Whether the console is served. */
  readonly console: boolean;
  readonly graph: {
    readonly introspection: boolean;
    readonly graphiql: boolean;
    /** Absent: off. */
    readonly trustedDocuments?: { readonly mode: 'prefer' | 'only'; readonly file: string };
  };
  /** Requests a minute per organization. Absent: off. */
  readonly rateLimit?: number;
  readonly limits: Limits;
  readonly corsOrigins: readonly string[];
  /** Absent: off. Without a port, they are on the gateway's. There is a port or a token. */
  readonly metrics?: { readonly host: string; readonly port?: number; readonly token?: string };
  /** Absent: nothing is traced. */
  readonly traces?: TracesSettings;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** The current master key, then the retired ones. Absent: the embedded database's key file. */
  readonly secretsKeys?: readonly Buffer[];
}

/**
 * Parses the settings. White space around a value is ignored; an empty value counts as unset.
 * @throws SettingsError with a line for each invalid or missing variable, without the values of secrets
 */
export function parseEnv(env: Record<string, string | undefined>): Settings {
  const given: GivenVariables = Object.fromEntries(
    Object.keys(variables.shape)
      .map((name) => [name, env[name]?.trim()])
      .filter(([, value]) => value),
  );
  const parsed = variables.safeParse(given);
  const invalid = new Set(parsed.error?.issues.map((issue) => issue.path[0] as VariableName));
  const problems = [
    ...[...invalid].map((name) => describeInvalid(name, given[name])),
    ...MANDATORY_WITH.filter(({ isMissing }) => isMissing(given)).map(describeMissing),
    ...REFUSED.filter(({ isGiven }) => isGiven(given)).map(({ message }) => message),
  ];
  if (!parsed.data || problems.length > 0) throw new SettingsError(problems.join('\n'));
  return settingsOf(parsed.data);
}

function describeInvalid(name: VariableName, value: string | undefined): string {
  const shown = CONFIDENTIAL.has(name) ? '' : ` (${value})`;
  return `${name} is invalid${shown}: expected ${variables.shape[name].description}`;
}

const describeMissing = ({ name, because }: (typeof MANDATORY_WITH)[number]) =>
  `${name} is mandatory with ${because}: ${variables.shape[name].description}`;

type VariableValues = z.output<typeof variables>;

function settingsOf(values: VariableValues): Settings {
  return {
    port: values.PORT,
    host: values.HOST,
    dataDir: values.DATA_DIR,
    databaseUrl: values.DATABASE_URL,
    poolerUrl: values.DATABASE_POOLER_URL,
    replicaUrl: values.DATABASE_REPLICA_URL,
    bootstrapAccountSid: values.BOOTSTRAP_ACCOUNT_SID,
    bootstrapAuthToken: values.BOOTSTRAP_AUTH_TOKEN,
    bootstrapAccountEmail: values.BOOTSTRAP_ACCOUNT_EMAIL,
    restTimestamps: values.REST_TIMESTAMPS,
    restBotSecrets: values.REST_BOT_SECRETS,
    publicUrl: values.PUBLIC_URL?.replace(/\/+$/, ''),
    restcomm: restcommOf(values),
    maxSegments: values.SMS_MAX_SEGMENTS,
    microsoft: microsoftOf(values),
    playground: values.TEAMS_PLATFORM === 'playground' ? { url: values.PLAYGROUND_URL } : undefined,
    maxDeliveries: values.MAX_DELIVERIES,
    maxDeliveriesPerOrganization: values.MAX_DELIVERIES_PER_ORGANIZATION,
    foldTypography: values.SMS_FOLD_TYPOGRAPHY === 'on',
    webhookHosts: values.WEBHOOK_HOSTS,
    messageRetentionDays: values.MESSAGE_RETENTION === 'off' ? undefined : values.MESSAGE_RETENTION,
    redisUrl: values.REDIS_URL,
    eventRetentionDays: values.EVENT_RETENTION,
    auditRetentionDays: values.AUDIT_RETENTION,
    trustProxy: values.TRUST_PROXY,
    console: values.CONSOLE === 'on',
    graph: graphOf(values),
    rateLimit: values.RATE_LIMIT === 'off' ? undefined : values.RATE_LIMIT,
    limits: {
      requestTimeoutMs: values.REQUEST_TIMEOUT,
      socketsPerAccount: values.MAX_SOCKETS_PER_ACCOUNT,
      subscriptionsPerAccount: values.MAX_SUBSCRIPTIONS_PER_ACCOUNT,
    },
    corsOrigins: values.CORS_ORIGINS ?? [],
    metrics: metricsOf(values),
    traces: tracesOf(values),
    logLevel: values.LOG_LEVEL,
    secretsKeys: values.SECRETS_KEYS ?? (values.SECRETS_KEY && [values.SECRETS_KEY]),
  };
}

function restcommOf({ RESTCOMM_URL, RESTCOMM_ACCOUNT_SID = '', RESTCOMM_AUTH_TOKEN = '' }: VariableValues): Settings['restcomm'] {
  if (RESTCOMM_URL === undefined) return undefined;
  return { url: RESTCOMM_URL, accountSid: RESTCOMM_ACCOUNT_SID, authToken: RESTCOMM_AUTH_TOKEN };
}

function metricsOf({ METRICS_HOST: host, METRICS_PORT: port, METRICS_TOKEN: token }: VariableValues): Settings['metrics'] {
  return port === undefined && token === undefined ? undefined : { host, port, token };
}

/** The exporter reads its addresses itself. */
function tracesOf(values: VariableValues): Settings['traces'] {
  const endpoint = values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? values.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined || values.OTEL_SDK_DISABLED === 'true' || values.OTEL_TRACES_EXPORTER === 'none') return undefined;
  const { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: samplerArg, OTEL_SERVICE_NAME: serviceName } = values;
  return { sampler, samplerArg, serviceName, delayMs: values.OTEL_BSP_SCHEDULE_DELAY };
}

function microsoftOf(values: VariableValues): Settings['microsoft'] {
  if (values.TEAMS_PLATFORM !== 'microsoft') return undefined;
  return {
    loginUrl: values.MICROSOFT_LOGIN_URL,
    graphUrl: values.MICROSOFT_GRAPH_URL,
    serviceUrl: values.BOT_SERVICE_URL,
    serviceHosts: values.BOT_SERVICE_HOSTS,
    issuer: values.BOT_FRAMEWORK_ISSUER,
    openIdUrl: values.BOT_FRAMEWORK_OPENID_URL,
  };
}

function graphOf({ NODE_ENV, INTROSPECTION, GRAPHIQL, TRUSTED_DOCUMENTS, TRUSTED_DOCUMENTS_FILE = '' }: VariableValues): Settings['graph'] {
  const byDefault = NODE_ENV === 'production' ? 'off' : 'on';
  return {
    introspection: (INTROSPECTION ?? byDefault) === 'on',
    graphiql: (GRAPHIQL ?? byDefault) === 'on',
    trustedDocuments: TRUSTED_DOCUMENTS === 'off' ? undefined : { mode: TRUSTED_DOCUMENTS, file: TRUSTED_DOCUMENTS_FILE },
  };
}
