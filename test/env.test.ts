import { describe, expect, test } from 'vitest';
import { parseEnv } from '../src/env.ts';
import { variables } from '../src/env-variables.ts';
import { SettingsError } from '../src/settings-error.ts';

const KEY = Buffer.alloc(32, 1).toString('base64');
const URL = 'postgresql://gateway:pass@db.example.com/sms';

test('without any settings, the gateway listens on this machine and uses the embedded database', () => {
  expect(parseEnv({})).toEqual({
    port: 4000,
    host: '127.0.0.1',
    dataDir: './.data',
    restTimestamps: 'iso',
    restBotSecrets: 'plain',
    eventRetentionDays: 30,
    auditRetentionDays: 365,
    foldTypography: true,
    console: true,
    graph: { introspection: true, graphiql: true },
    rateLimit: 6000,
    limits: { requestTimeoutMs: 30_000, socketsPerAccount: 1000, subscriptionsPerAccount: 10_000 },
    corsOrigins: [],
    logLevel: 'info',
  });
});

test('every setting is read, without surrounding whitespace', () => {
  const sid = `AC${'a1'.repeat(16)}`;
  expect(
    parseEnv({
      PORT: ' 8080 ',
      HOST: '0.0.0.0',
      DATA_DIR: '/var/lib/gateway',
      DATABASE_URL: URL,
      DATABASE_POOLER_URL: 'postgresql://pooler.example:6432/sms',
      DATABASE_REPLICA_URL: 'postgresql://standby.example/sms',
      BOOTSTRAP_ACCOUNT_SID: sid,
      BOOTSTRAP_AUTH_TOKEN: 'a-token-of-mine-1',
      BOOTSTRAP_ACCOUNT_EMAIL: 'admin@example.com',
      REST_TIMESTAMPS: 'recorded',
      REST_BOT_SECRETS: 'masked',
      SMS_MAX_SEGMENTS: '3',
      REDIS_URL: 'rediss://gateway:pass@redis.example.com:6380/1',
      EVENT_RETENTION: '7',
      AUDIT_RETENTION: '400',
      SMS_FOLD_TYPOGRAPHY: 'off',
      TRUST_PROXY: '10.0.0.0/8, 2001:db8::1',
      INTROSPECTION: 'off',
      CONSOLE: 'off',
      GRAPHIQL: 'off',
      TRUSTED_DOCUMENTS: 'only',
      TRUSTED_DOCUMENTS_FILE: '/etc/gateway/manifest.json',
      RATE_LIMIT: 'off',
      REQUEST_TIMEOUT: '10',
      MAX_SOCKETS_PER_ACCOUNT: '5',
      MAX_SUBSCRIPTIONS_PER_ACCOUNT: '6',
      CORS_ORIGINS: 'https://a.example, http://localhost:3000',
      LOG_LEVEL: 'debug',
      SECRETS_KEY: KEY,
    }),
  ).toEqual({
    port: 8080,
    host: '0.0.0.0',
    dataDir: '/var/lib/gateway',
    databaseUrl: URL,
    poolerUrl: 'postgresql://pooler.example:6432/sms',
    replicaUrl: 'postgresql://standby.example/sms',
    bootstrapAccountSid: sid,
    bootstrapAuthToken: 'a-token-of-mine-1',
    bootstrapAccountEmail: 'admin@example.com',
    restTimestamps: 'recorded',
    restBotSecrets: 'masked',
    maxSegments: 3,
    redisUrl: 'rediss://gateway:pass@redis.example.com:6380/1',
    eventRetentionDays: 7,
    auditRetentionDays: 400,
    foldTypography: false,
    trustProxy: ['10.0.0.0/8', '2001:db8::1'],
    console: false,
    graph: {
      introspection: false,
      graphiql: false,
      trustedDocuments: { mode: 'only', file: '/etc/gateway/manifest.json' },
    },
    limits: { requestTimeoutMs: 10_000, socketsPerAccount: 5, subscriptionsPerAccount: 6 },
    corsOrigins: ['https://a.example', 'http://localhost:3000'],
    logLevel: 'debug',
    secretsKeys: [Buffer.alloc(32, 1)],
  });
});

test('an empty value counts as unset', () => {
  expect(parseEnv({ PORT: '', DATABASE_URL: '', BOOTSTRAP_ACCOUNT_SID: ' ' })).toEqual(parseEnv({}));
});

describe('an invalid setting is named', () => {
  const bad: [string, string][] = [
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80a'],
    ['DATABASE_URL', 'mysql://localhost/sms'],
    ['DATABASE_URL', 'postgresql://localhost'],
    ['DATABASE_URL', 'localhost'],
    ['DATABASE_POOLER_URL', 'pooler.example:6432'],
    ['BOOTSTRAP_ACCOUNT_SID', 'AC123'],
    ['BOOTSTRAP_AUTH_TOKEN', 'short'],
    ['BOOTSTRAP_ACCOUNT_EMAIL', 'nobody'],
    ['REST_TIMESTAMPS', 'unix'],
    ['REST_BOT_SECRETS', 'hidden'],
    ['TEAMS_PLATFORM', 'slack'],
    ['PLAYGROUND_URL', 'localhost:56150'],
    ['REDIS_URL', 'localhost:6379'],
    ['REDIS_URL', 'http://localhost:6379'],
    ['EVENT_RETENTION', '0'],
    ['EVENT_RETENTION', '30d'],
    ['AUDIT_RETENTION', '29'],
    ['TRUST_PROXY', '0'],
    ['TRUST_PROXY', '10.0.0.0/33'],
    ['INTROSPECTION', 'yes'],
    ['GRAPHIQL', 'true'],
    ['TRUSTED_DOCUMENTS', 'on'],
    ['RATE_LIMIT', '0'],
    ['RATE_LIMIT', 'none'],
    ['REQUEST_TIMEOUT', '0'],
    ['REQUEST_TIMEOUT', '30s'],
    ['MAX_SOCKETS_PER_ACCOUNT', '0'],
    ['MAX_SUBSCRIPTIONS_PER_ACCOUNT', '-1'],
    ['CORS_ORIGINS', '*'],
    ['CORS_ORIGINS', 'null'],
    ['CORS_ORIGINS', 'a.example'],
    ['CORS_ORIGINS', 'https://a.example/'],
    ['CORS_ORIGINS', 'https://a.example:443'],
    ['CORS_ORIGINS', 'https://a.example, https://*.b.example'],
    ['LOG_LEVEL', 'loud'],
    ['SECRETS_KEY', 'c2hvcnQ='],
    ['SECRETS_KEY', 'not base64 at all'],
    ['SECRETS_KEYS', `${KEY},c2hvcnQ=`],
    ['SECRETS_KEYS', `${KEY},`],
  ];
  test.each(bad)('%s=%s', (name, value) => {
    expect(() => parseEnv({ [name]: value })).toThrow(SettingsError);
    expect(() => parseEnv({ [name]: value })).toThrow(new RegExp(`^${name} is invalid.*: expected .+$`, 'm'));
  });
});

test('several invalid settings are named together', () => {
  expect(() => parseEnv({ PORT: 'x', LOG_LEVEL: 'loud' })).toThrow(/^PORT is invalid.*\nLOG_LEVEL is invalid/);
});

test('SECRETS_KEYS has the current key, followed by the retired ones, instead of SECRETS_KEY', () => {
  const retired = Buffer.alloc(32, 2);
  const keys = `${KEY}, ${retired.toString('base64')}`;
  expect(parseEnv({ DATABASE_URL: URL, SECRETS_KEYS: keys }).secretsKeys).toEqual([Buffer.alloc(32, 1), retired]);
  expect(() => parseEnv({ SECRETS_KEY: KEY, SECRETS_KEYS: keys })).toThrow(/^SECRETS_KEYS is invalid: /);
});

test('a pooler and a standby require the address of the database itself', () => {
  for (const name of ['DATABASE_POOLER_URL', 'DATABASE_REPLICA_URL'])
    expect(() => parseEnv({ [name]: URL })).toThrow(new RegExp(`^DATABASE_URL is mandatory with ${name}`));
});

test('DATABASE_URL requires SECRETS_KEY, and is named together with another invalid setting', () => {
  expect(() => parseEnv({ DATABASE_URL: URL })).toThrow(/^SECRETS_KEY is mandatory with DATABASE_URL/);
  expect(() => parseEnv({ DATABASE_URL: URL, PORT: 'x' })).toThrow(/PORT is invalid.*\nSECRETS_KEY is mandatory/);
});

test('production turns off introspection and GraphiQL unless they are set', () => {
  expect(parseEnv({ NODE_ENV: 'production' }).graph).toEqual({ introspection: false, graphiql: false });
  expect(parseEnv({ NODE_ENV: 'production', INTROSPECTION: 'on', GRAPHIQL: 'on' }).graph).toEqual({ introspection: true, graphiql: true });
});

test('TRUSTED_DOCUMENTS requires TRUSTED_DOCUMENTS_FILE', () => {
  for (const TRUSTED_DOCUMENTS of ['only', 'prefer']) {
    expect(() => parseEnv({ TRUSTED_DOCUMENTS })).toThrow(/^TRUSTED_DOCUMENTS_FILE is mandatory with TRUSTED_DOCUMENTS/);
  }
});

describe('TEAMS_PLATFORM=playground', () => {
  test('is the playground at PLAYGROUND_URL, and the embedded carrier', () => {
    const { playground, microsoft, restcomm } = parseEnv({ TEAMS_PLATFORM: 'playground' });
    expect({ playground, microsoft, restcomm }).toEqual({ playground: { url: 'http://localhost:56150' } });
    const settings = parseEnv({ TEAMS_PLATFORM: 'playground', PLAYGROUND_URL: 'http://127.0.0.1:5000' });
    expect(settings.playground).toEqual({ url: 'http://127.0.0.1:5000' });
    expect(parseEnv({ PLAYGROUND_URL: 'http://127.0.0.1:5000' }).playground).toBeUndefined();
  });

  test.each([
    ['NODE_ENV=production', { NODE_ENV: 'production' }],
    ['TRUST_PROXY', { TRUST_PROXY: '1' }],
    [
      'RESTCOMM_URL',
      { RESTCOMM_URL: 'https://restcomm.example', RESTCOMM_ACCOUNT_SID: `AC${'a1'.repeat(16)}`, RESTCOMM_AUTH_TOKEN: 'a-token' },
    ],
  ])('is refused with %s', (what, others) => {
    expect(() => parseEnv(others)).not.toThrow();
    expect(() => parseEnv({ ...others, TEAMS_PLATFORM: 'playground' })).toThrow(
      expect.objectContaining({
        name: 'SettingsError',
        message: expect.stringContaining(`TEAMS_PLATFORM=playground is refused with ${what}: `),
      }),
    );
  });
});

test('every variable describes its values', () => {
  for (const [name, { description }] of Object.entries(variables.shape)) expect(description, name).toMatch(/\S/);
});

test('no message shows a secret', () => {
  for (const name of [
    'DATABASE_URL',
    'DATABASE_POOLER_URL',
    'DATABASE_REPLICA_URL',
    'BOOTSTRAP_AUTH_TOKEN',
    'REDIS_URL',
    'SECRETS_KEY',
    'SECRETS_KEYS',
  ]) {
    expect(() => parseEnv({ [name]: 'hush hush' })).toThrow(expect.objectContaining({ message: expect.not.stringContaining('hush') }));
  }
});

test('traces are off by OTEL_TRACES_EXPORTER=none, and other exporters and protocols are refused', () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' };
  expect(parseEnv({ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }).traces).toBeDefined();
  expect(parseEnv({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }).traces).toBeUndefined();
  const refused = {
    OTEL_TRACES_EXPORTER: 'console',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf',
  };
  for (const [name, value] of Object.entries(refused)) {
    expect(() => parseEnv({ ...endpoint, [name]: value })).toThrow(`${name} is invalid (${value}): expected `);
  }
});
