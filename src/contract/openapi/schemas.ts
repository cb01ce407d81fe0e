import { PHONE_NUMBER } from '../../domain/values/text.ts';
import { channelStatuses } from '../operations/messages.ts';
import type { JsonSchema } from '../operations/operation.ts';
import { MAX_PAGE_SIZE } from '../operations/parameters.ts';
import type { ContractSettings } from '../operations/settings.ts';
import { type TimestampForm, timestampForm, timestampPatterns } from '../operations/timestamps.ts';

const text = (description: string) => ({ type: 'string', description });
const count = (description: string) => ({ type: 'integer', minimum: 0, description });
const oneOf = (values: readonly string[], description: string) => ({ type: 'string', enum: values, description });
const sid = (prefix: string, whose: string) => ({
  type: 'string',
  pattern: `^${prefix}[0-9a-f]{32}$`,
  description: `Sid of ${whose}: ${prefix} and 32 hex digits.`,
});
const uri = (collection: string, prefix: string) => ({
  type: 'string',
  pattern: `^${collection}/search/${prefix}[0-9a-f]{32}$`,
  description: 'Path that returns this record.',
});
const account = {
  accountSid: sid('AC', 'the account that created the record'),
  accountEmail: text('E-mail address of that account.'),
};
const enterpriseOf = (what: string) => ({
  enterpriseSid: sid('EN', `the enterprise that the ${what} belongs to`),
  enterpriseName: text('Name of that enterprise.'),
});

/** The schemas of successful responses: each entity, its page, and `<name>Answer` for the envelope of either. A table, hence its length. */
export function successSchemas(settings: ContractSettings): Readonly<Record<string, JsonSchema>> {
  const times = (recorded: TimestampForm) => {
    const time = { type: 'string', pattern: timestampPatterns[timestampForm(settings, recorded)] };
    return {
      dateCreated: { ...time, description: 'When the record was created, in UTC.' },
      dateUpdated: { ...time, description: 'When the record last changed, in UTC.' },
    };
  };
  const mapping = (recorded: TimestampForm) =>
    object({
      sid: sid('BE', 'the mapping'),
      ...times(recorded),
      ...account,
      uri: uri('/msteams/teams/mappings', 'BE'),
      microsoftAddress: text('User principal name or object id of the Teams user.'),
      externalAddress: { ...text('Phone number of the Teams user, as it was given.'), pattern: PHONE_NUMBER.source },
      name: text('Friendly name of the Teams user.'),
      ...enterpriseOf('mapping'),
    });
  const entities = {
    Enterprise: object({
      sid: sid('EN', 'the enterprise'),
      ...times('iso'),
      ...account,
      uri: uri('/msteams/enterprises', 'EN'),
      name: text('Name of the enterprise.'),
      status: oneOf(['ACTIVE', 'INACTIVE', 'CLOSED'], 'ACTIVE: messages are delivered. INACTIVE: they wait. CLOSED: final.'),
      enterpriseAdminSid: sid('RCS', "the enterprise's admin"),
      enterpriseAdminEmail: text("E-mail address of the enterprise's admin."),
    }),
    Mapping: mapping('sql'),
    CreatedMapping: mapping('java'),
    Bot: object({
      sid: sid('BE', 'the bot'),
      ...times('iso'),
      ...account,
      uri: uri('/msteams/teamsbot/details', 'BE'),
      ...enterpriseOf('bot'),
      applicationId: text('Application (client) id of the Azure application.'),
      tenantId: text("Id of the application's Azure tenant."),
      clientsecret: { ...text('Same as clientSecret.'), deprecated: true },
      clientSecret: text('Client secret of the application, or its mask: bullets and the last characters.'),
      botAppId: text('Id of the bot in the Teams app store.'),
    }),
    Message: object(
      {
        sid: sid('MS', 'the message'),
        ...times('sql'),
        accountSid: sid('AC', 'the account of the mapping that the message was sent with'),
        uri: uri('/msteams/messages', 'MS'),
        enterpriseSid: sid('EN', 'the enterprise that the message belongs to'),
        from: text('Sender: a Microsoft address or a phone number.'),
        to: text('Recipient: a phone number or a Microsoft address.'),
        direction: oneOf(
          ['INBOUND', 'OUTBOUND'],
          'INBOUND: from a Teams user to a phone number. OUTBOUND: from a phone number to a Teams user.',
        ),
        type: oneOf(['SMS', 'MMS'], 'Type of the message.'),
        channelStatus: oneOf(channelStatuses, 'Status of the delivery.'),
      },
      {
        channelErrorCode: text('Why the message failed: a code of Restcomm, of Microsoft or of the gateway.'),
        channelErrorMessage: text('Why the message failed, in words.'),
        restcommMessageSid: text("Restcomm's sid of the SMS."),
      },
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
  return { type: 'object', required: Object.keys(required), properties: { ...required, ...optional } };
}

function page(entity: string, collection: string): JsonSchema {
  const pageUri = (which: string) => ({
    type: 'string',
    pattern: `^${collection}/search/\\?pageSize=\\d+&page=\\d+(&|$)`,
    description: `Path of the ${which} page, with the filters and order of this one.`,
  });
  const alias = (name: string) => ({ ...pageUri(''), description: `Same as ${name}.`, deprecated: true });
  return object(
    {
      result: {
        type: 'array',
        maxItems: MAX_PAGE_SIZE,
        items: { $ref: `#/components/schemas/${entity}` },
        description: 'The records of this page.',
      },
      pageSize: { type: 'integer', minimum: 1, maximum: MAX_PAGE_SIZE, description: 'Number of records in a full page.' },
      total: count(
        'The number of records on all pages. It is exact up to 100,000 messages, and beyond that for filters by enterprise, mapping, direction, type, status and time; for others it is the least that the total can be.',
      ),
      page: count('Number of this page, counted from 0.'),
      numPages: count('ceil(total / pageSize).'),
      start: count("Offset of the page's first record: page × pageSize."),
      end: count('min(start + pageSize, total − 1), at least 0.'),
      firstPageUri: pageUri('first'),
      uri: pageUri('current'),
    },
    {
      previousPageUri: pageUri('previous'),
      previous_page_uri: alias('previousPageUri'),
      nextPageUri: pageUri('next'),
      next_page_uri: alias('nextPageUri'),
    },
  );
}

function envelope(name: string): JsonSchema {
  return object({
    data: { $ref: `#/components/schemas/${name}` },
    code: { type: 'integer', const: 200, description: 'Always 200, even if the HTTP status is 201.' },
    message: { type: 'string', const: 'OK', description: 'Always OK.' },
  });
}
