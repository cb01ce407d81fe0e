import { PHONE_NUMBER } from '../domain/text.ts';
import type { JsonSchema } from './operation.ts';
import { MAX_PAGE_SIZE } from './parameters.ts';
import type { ContractSettings } from './settings.ts';
import { type TimestampForm, timestampForm, timestampPatterns } from './timestamps.ts';

const text = { type: 'string' };
const count = { type: 'integer', minimum: 0 };
const sid = (prefix: string) => ({ type: 'string', pattern: `^${prefix}[0-9a-f]{32}$` });
const uri = (collection: string, prefix: string) => ({ type: 'string', pattern: `^${collection}/search/${prefix}[0-9a-f]{32}$` });

/** The schemas of successful responses: each entity, its page, and `<name>Answer` for the envelope of either. A table, hence its length. */
export function successSchemas(settings: ContractSettings): Readonly<Record<string, JsonSchema>> {
  const times = (recorded: TimestampForm) => {
    const time = { type: 'string', pattern: timestampPatterns[timestampForm(settings, recorded)] };
    return { dateCreated: time, dateUpdated: time };
  };
  const mapping = (recorded: TimestampForm) =>
    object({
      sid: sid('BE'),
      ...times(recorded),
      accountSid: sid('AC'),
      accountEmail: text,
      uri: uri('/msteams/teams/mappings', 'BE'),
      microsoftAddress: text,
      externalAddress: { type: 'string', pattern: PHONE_NUMBER.source },
      name: text,
      enterpriseSid: sid('EN'),
      enterpriseName: text,
    });
  const entities = {
    Enterprise: object({
      sid: sid('EN'),
      ...times('iso'),
      accountSid: sid('AC'),
      accountEmail: text,
      uri: uri('/msteams/enterprises', 'EN'),
      name: text,
      status: { type: 'string', enum: ['ACTIVE', 'INACTIVE', 'CLOSED'] },
      enterpriseAdminSid: sid('RCS'),
      enterpriseAdminEmail: text,
    }),
    Mapping: mapping('sql'),
    CreatedMapping: mapping('java'),
    Bot: object({
      sid: sid('BE'),
      ...times('iso'),
      accountSid: sid('AC'),
      accountEmail: text,
      uri: uri('/msteams/teamsbot/details', 'BE'),
      enterpriseSid: sid('EN'),
      enterpriseName: text,
      applicationId: text,
      tenantId: text,
      clientsecret: text,
      clientSecret: { ...text, description: 'Same as clientsecret.' },
      botAppId: text,
    }),
    Message: object(
      {
        sid: sid('MS'),
        ...times('sql'),
        accountSid: sid('AC'),
        uri: uri('/msteams/messages', 'MS'),
        enterpriseSid: sid('EN'),
        from: text,
        to: text,
        direction: {
          type: 'string',
          enum: ['INBOUND', 'OUTBOUND'],
          description: 'INBOUND: from a Teams user to a phone number. OUTBOUND: from a phone number to a Teams user.',
        },
        type: { type: 'string', enum: ['SMS', 'MMS'] },
        channelStatus: { type: 'string', pattern: '^[A-Z_]+$' },
      },
      { channelErrorCode: text, channelErrorMessage: text, restcommMessageSid: text },
    ),
  };
  const pages = {
    EnterprisePage: page('Enterprise', '/msteams/enterprises'),
    MappingPage: page('Mapping', '/msteams/teams/mappings'),
    BotPage: page('Bot', '/msteams/teamsbot/details'),
    MessagePage: page('Message', '/msteams/messages'),
  };
  const envelopes = [...Object.keys(entities), ...Object.keys(pages)].map((name) => [`${name}Answer`, envelope(name)]);
  return { ...entities, ...pages, ...Object.fromEntries(envelopes) };
}

function object(required: Readonly<Record<string, JsonSchema>>, optional: Readonly<Record<string, JsonSchema>> = {}): JsonSchema {
  return { type: 'object', required: Object.keys(required), additionalProperties: false, properties: { ...required, ...optional } };
}

function page(entity: string, collection: string): JsonSchema {
  const pageUri = { type: 'string', pattern: `^${collection}/search/\\?pageSize=\\d+&page=\\d+(&|$)` };
  return object(
    {
      result: { type: 'array', maxItems: MAX_PAGE_SIZE, items: { $ref: `#/components/schemas/${entity}` } },
      pageSize: { type: 'integer', minimum: 1, maximum: MAX_PAGE_SIZE },
      total: {
        ...count,
        description:
          'The number of records on all pages. At most 100,000 messages are looked at for a filtered list: if there are more, it is the least that the total can be.',
      },
      page: count,
      numPages: { ...count, description: 'ceil(total / pageSize).' },
      start: { ...count, description: "Offset of the page's first record: page × pageSize." },
      end: { ...count, description: 'min(start + pageSize, total − 1), at least 0.' },
      firstPageUri: pageUri,
      uri: pageUri,
    },
    {
      previousPageUri: pageUri,
      previous_page_uri: { ...pageUri, description: 'Same as previousPageUri.' },
      nextPageUri: pageUri,
      next_page_uri: { ...pageUri, description: 'Same as nextPageUri.' },
    },
  );
}

function envelope(name: string): JsonSchema {
  return object({ data: { $ref: `#/components/schemas/${name}` }, code: { const: 200 }, message: { const: 'OK' } });
}
