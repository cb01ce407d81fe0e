import { describe, expect, test } from 'vitest';
import { parseEnv, SettingsError } from '../src/env.ts';

const KEY = Buffer.alloc(32, 1).toString('base64');
const URL = 'postgresql://gateway:pass@db.example.com/sms';

test('nothing set is a gateway on this machine with the embedded database', () => {
  expect(parseEnv({})).toEqual({
    port: 4000,
    host: '127.0.0.1',
    dataDir: './.data',
    restTimestamps: 'iso',
    restBotSecrets: 'plain',
    eventRetentionDays: 30,
    logLevel: 'info',
  });
});

test('every setting is read, space around it ignored', () => {
  const sid = `AC${'a1'.repeat(16)}`;
  expect(
    parseEnv({
      PORT: ' 8080 ',
      HOST: '0.0.0.0',
      DATA_DIR: '/var/lib/gateway',
      DATABASE_URL: URL,
      BOOTSTRAP_ACCOUNT_SID: sid,
      BOOTSTRAP_AUTH_TOKEN: 'a-token-of-mine-1',
      BOOTSTRAP_ACCOUNT_EMAIL: 'admin@example.com',
      REST_TIMESTAMPS: 'recorded',
      REST_BOT_SECRETS: 'masked',
      REDIS_URL: 'rediss://gateway:pass@redis.example.com:6380/1',
      EVENT_RETENTION: '7',
      LOG_LEVEL: 'debug',
      SECRETS_KEY: KEY,
    }),
  ).toEqual({
    port: 8080,
    host: '0.0.0.0',
    dataDir: '/var/lib/gateway',
    databaseUrl: URL,
    bootstrapAccountSid: sid,
    bootstrapAuthToken: 'a-token-of-mine-1',
    bootstrapAccountEmail: 'admin@example.com',
    restTimestamps: 'recorded',
    restBotSecrets: 'masked',
    redisUrl: 'rediss://gateway:pass@redis.example.com:6380/1',
    eventRetentionDays: 7,
    logLevel: 'debug',
    secretsKey: Buffer.alloc(32, 1),
  });
});

test('an empty value is an unset one', () => {
  expect(parseEnv({ PORT: '', DATABASE_URL: '', BOOTSTRAP_ACCOUNT_SID: ' ' })).toEqual(parseEnv({}));
});

describe('a setting that can not be used is named', () => {
  const bad: [string, string][] = [
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80a'],
    ['DATABASE_URL', 'mysql://localhost/sms'],
    ['DATABASE_URL', 'postgresql://localhost'],
    ['DATABASE_URL', 'localhost'],
    ['BOOTSTRAP_ACCOUNT_SID', 'AC123'],
    ['BOOTSTRAP_AUTH_TOKEN', 'short'],
    ['BOOTSTRAP_ACCOUNT_EMAIL', 'nobody'],
    ['REST_TIMESTAMPS', 'unix'],
    ['REST_BOT_SECRETS', 'hidden'],
    ['REDIS_URL', 'localhost:6379'],
    ['REDIS_URL', 'http://localhost:6379'],
    ['EVENT_RETENTION', '0'],
    ['EVENT_RETENTION', '30d'],
    ['LOG_LEVEL', 'loud'],
    ['SECRETS_KEY', 'c2hvcnQ='],
    ['SECRETS_KEY', 'not base64 at all'],
  ];
  test.each(bad)('%s=%s', (name, value) => {
    expect(() => parseEnv({ [name]: value })).toThrow(SettingsError);
    expect(() => parseEnv({ [name]: value })).toThrow(new RegExp(`^${name} is invalid.*: it takes .+$`, 'm'));
  });
});

test('several bad settings are named together', () => {
  expect(() => parseEnv({ PORT: 'x', LOG_LEVEL: 'loud' })).toThrow(/^PORT is invalid.*\nLOG_LEVEL is invalid/);
});

test('DATABASE_URL needs SECRETS_KEY, also beside another bad setting', () => {
  expect(() => parseEnv({ DATABASE_URL: URL })).toThrow(/^SECRETS_KEY is mandatory with DATABASE_URL/);
  expect(() => parseEnv({ DATABASE_URL: URL, PORT: 'x' })).toThrow(/PORT is invalid.*\nSECRETS_KEY is mandatory/);
});

test('no message shows a secret', () => {
  for (const name of ['DATABASE_URL', 'BOOTSTRAP_AUTH_TOKEN', 'REDIS_URL', 'SECRETS_KEY']) {
    expect(() => parseEnv({ [name]: 'hush hush' })).toThrow(expect.objectContaining({ message: expect.not.stringContaining('hush') }));
  }
});
