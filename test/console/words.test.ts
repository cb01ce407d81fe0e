import { readFile } from 'node:fs/promises';
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
  ['BotCheckStep', 'botCure'],
  ['UsageGranularity', 'usage'],
  ['UsageDimension', 'usage'],
  ['OrganizationFeature', 'settings'],
  ['MappingImportStatus', 'importStatus'],
  ['MappingImportRowStatus', 'importRow'],
])('each %s has a word', (type, prefix) => {
  const values = (schema.getType(type) as GraphQLEnumType).getValues().map(({ name }) => `${prefix}.${name}`);
  expect(values.filter((key) => !Object.hasOwn(en, key))).toEqual([]);
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
    ]
  `);
});
