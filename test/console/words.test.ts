import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildSchema, type GraphQLEnumType } from 'graphql';
import { expect, test } from 'vitest';
import { de } from '../../src/console/words/de.ts';
import { en } from '../../src/console/words/en.ts';

const schema = buildSchema(await readFile('schema/schema.graphql', 'utf8'));

test.each([
  ['ErrorCode', 'error'],
  ['AuditAction', 'audit'],
  ['MessageHoldReason', 'hold'],
  ['MessageHoldReason', 'holdCure'],
  ['BotHealthReason', 'hold'],
  ['BotHealthReason', 'holdCure'],
  ['BotHealthStatus', 'botHealth'],
  ['ChannelStatus', 'status'],
  ['AccountStatus', 'status'],
  ['Permission', 'permission'],
  ['EnterpriseStatus', 'status'],
  ['MessageDirection', 'direction'],
  ['MessageEncoding', 'encoding'],
  ['BotCheckStep', 'botStep'],
  ['UsageGranularity', 'usage'],
  ['UsageDimension', 'usage'],
  ['OrganizationFeature', 'settings'],
  ['MappingImportStatus', 'importStatus'],
  ['MappingImportRowStatus', 'importRow'],
])('each %s has a word', (type, prefix) => {
  const values = (schema.getType(type) as GraphQLEnumType).getValues().map(({ name }) => `${prefix}.${name}`);
  expect(values.filter((key) => !Object.hasOwn(en, key))).toEqual([]);
});

/** Codes of errors that no page of the console provokes, as none has texts of its own, asks for the schema, or uses a WebSocket. */
const UNMET = [
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'HPE_INVALID_METHOD',
  'INTROSPECTION_OFF',
  'METHOD_NOT_ALLOWED',
  'NOT_ACCEPTABLE',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_ONLY',
  'UNSUPPORTED_MEDIA_TYPE',
  'UPGRADE_REQUIRED',
];

test('each code of an error that is not in the schema has a word, if a page can meet it', async () => {
  const rooms = ['admission', 'bulk', 'graph', 'live', 'server'];
  const files = (await Promise.all(rooms.map((room) => readdir(`src/${room}`, { recursive: true, withFileTypes: true })))).flat();
  const texts = await Promise.all(
    files.filter((file) => file.isFile()).map(({ parentPath, name }) => readFile(join(parentPath, name), 'utf8')),
  );
  const codes = texts.flatMap((text) =>
    [...text.matchAll(/'([A-Z]+(?:_[A-Z]+)+|TIMEOUT|FORBIDDEN|UNAUTHENTICATED)'/g)].map(([, code]) => code),
  );
  expect(codes).toContain('QUERY_LIMIT_EXCEEDED');
  expect([...new Set(codes)].filter((code) => !UNMET.includes(code ?? '') && !Object.hasOwn(en, `error.${code}`)).sort()).toEqual([]);
});

test('numbers and times are formatted in the language of the console, which the browser’s may differ from', async () => {
  const files = (await readdir('src/console', { recursive: true })).filter((name) => /\.tsx?$/.test(name));
  const sources = await Promise.all(files.map(async (name) => [name, await readFile(join('src/console', name), 'utf8')] as const));
  const inAnyLanguage = /\.toLocale\w*String\(\s*(?:\)|undefined)|Intl\.\w+Format\(\s*(?:undefined|\)(?!\.resolvedOptions))/;
  expect(sources.filter(([, source]) => inAnyLanguage.test(source)).map(([name]) => name)).toEqual([]);
});

test('the catalogs have the same words with the same values in them, and the German ones are German', () => {
  expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
  const holesIn = (text: string) => text.match(/\{\w+\}/g)?.sort() ?? [];
  const [english, german] = [en, de] as Readonly<Record<string, string>>[];
  const keys = Object.keys(en);
  expect(keys.filter((key) => String(holesIn(german?.[key] ?? '')) !== String(holesIn(english?.[key] ?? '')))).toEqual([]);
  // Names, and words that both languages have.
  expect(keys.filter((key) => german?.[key] === english?.[key])).toMatchInlineSnapshot(`
    [
      "nav.bots",
      "field.name",
      "field.status",
      "field.admin",
      "field.bot",
      "field.text",
      "encoding.GSM_7",
      "encoding.UCS_2",
      "mapping.app",
      "botStep.CONNECTOR",
      "botHealth.cloud",
      "cloud.GCC",
      "cloud.GCC_HIGH",
      "cloud.DOD",
      "cloud.CHINA",
      "credential.name",
      "botWalk.app",
      "conversation.write",
      "nav.webhooks",
      "settings.logo",
      "teamsApp.title",
      "usage.STATUS",
      "tokens.hours",
      "live.live",
      "error.INVALID_PARAMETER",
      "error.MISSING_PARAMETER",
    ]
  `);
});
