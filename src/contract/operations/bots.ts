import { botNotFound } from '../../domain/errors.ts';
import { type BodyField, type Operation, successType } from './operation.ts';
import { type Connection, pageData, pageVariables } from './paging.ts';
import { endTime, enterpriseSid, page, pageSize, sortBy, startTime } from './parameters.ts';
import { timestamp } from './timestamps.ts';
import { withoutAbsent } from './without-absent.ts';

interface BotRow {
  readonly sid: string;
  readonly applicationId: string;
  readonly tenantId: string;
  readonly botAppId: string;
  readonly clientSecretHint: string;
  /** Only with `$showSecrets`. */
  readonly clientSecret?: string;
  readonly dateCreated: string;
  readonly dateUpdated: string;
  readonly accountSid: string;
  readonly accountEmail: string;
  readonly enterpriseSid: string;
  readonly enterprise: { readonly name: string };
}

/** The success of a mutation. */
interface BotChanged {
  readonly bot: BotRow;
}

const fragment = /* GraphQL */ `
  fragment BotAnswer on Bot {
    sid applicationId tenantId botAppId clientSecretHint clientSecret @include(if: $showSecrets)
    dateCreated dateUpdated accountSid accountEmail enterpriseSid
    enterprise { name }
  }`;

const mutation = (name: 'createBot' | 'updateBot' | 'deleteBot', input: string) => /* GraphQL */ `
  mutation ($input: ${input}!, $showSecrets: Boolean!) {
    result: ${name}(input: $input) { ... on ${successType(name)} { bot { ...BotAnswer } } ... on Error { code message value } }
  } ${fragment}`;

/** Times are in ISO form, whatever the settings: the vendor's recorded bots have none. The secret is under both of its spellings. */
function dataOf(row: BotRow) {
  const secret = row.clientSecret ?? `••••${row.clientSecretHint}`;
  return withoutAbsent({
    sid: row.sid,
    dateUpdated: timestamp(row.dateUpdated, 'iso'),
    dateCreated: timestamp(row.dateCreated, 'iso'),
    accountSid: row.accountSid,
    accountEmail: row.accountEmail,
    uri: `/msteams/teamsbot/details/search/${row.sid}`,
    enterpriseSid: row.enterpriseSid,
    enterpriseName: row.enterprise.name,
    applicationId: row.applicationId,
    tenantId: row.tenantId,
    clientsecret: secret,
    clientSecret: secret,
    botAppId: row.botAppId,
  });
}

const fields = (mandatory: boolean): readonly BodyField[] => [
  {
    name: 'enterpriseSid',
    aliases: ['enterpriseId'],
    description: 'Sid of the enterprise that the bot belongs to. An enterprise has at most one bot.',
    mandatory,
  },
  { name: 'applicationId', description: 'Application (client) id of the Azure application.', mandatory },
  { name: 'tenantId', description: "Id of the application's Azure tenant.", mandatory },
  {
    name: 'clientSecret',
    aliases: ['clientsecret'],
    description: 'Client secret of the application. A masked secret, as responses show it, leaves the secret unchanged.',
    mandatory,
    secret: true,
  },
  { name: 'botAppId', description: 'Id of the bot in the Teams app store.', mandatory },
];

const bases = ['/msteams/teamsbot/details', '/mxteams/teamsbot', '/mxteams/teamsbot/details'];
const aliases = (rest: string) => bases.map((base) => base + rest);

/** The enterprise of the bot that the examples find: not all have one. */
const OF_A_BOT = 'EN9dbb06d89ff24f3eacd7ee0cf141c3e2';

export const bots: readonly Operation[] = [
  {
    operation: 'createBot',
    summary: "Creates an enterprise's bot",
    methods: ['POST'],
    path: '/msteams/teamsbot',
    aliases: aliases(''),
    success: 200,
    body: fields(true),
    dataSchema: 'Bot',
    errors: ['MISSING_PARAMETER', 'INVALID_PARAMETER', 'ENTERPRISE_NOT_FOUND', 'ENTERPRISE_CLOSED', 'BOT_EXISTS'],
    document: mutation('createBot', 'CreateBotInput'),
    variables: ({ body, idempotencyKey, showSecrets }) => ({ input: withoutAbsent({ ...body, idempotencyKey }), showSecrets }),
    dataOf: ({ bot }: BotChanged) => dataOf(bot),
  },
  {
    operation: 'updateBot',
    summary: 'Updates a bot',
    // The vendor's documentation says PUT, and has POST in its example.
    methods: ['PUT', 'POST'],
    path: '/msteams/teamsbot/{sid}',
    aliases: aliases('/{sid}'),
    success: 200,
    body: fields(false),
    dataSchema: 'Bot',
    errors: ['MISSING_PARAMETER', 'INVALID_PARAMETER', 'BOT_NOT_FOUND', 'ENTERPRISE_NOT_FOUND', 'ENTERPRISE_CLOSED', 'BOT_EXISTS'],
    document: mutation('updateBot', 'UpdateBotInput'),
    variables: ({ sid, body, idempotencyKey, showSecrets }) => ({ input: withoutAbsent({ sid, ...body, idempotencyKey }), showSecrets }),
    dataOf: ({ bot }: BotChanged) => dataOf(bot),
  },
  {
    operation: 'deleteBot',
    summary: 'Deletes a bot',
    methods: ['DELETE'],
    path: '/msteams/teamsbot/{sid}',
    aliases: aliases('/{sid}'),
    success: 200,
    dataSchema: 'Bot',
    errors: ['BOT_NOT_FOUND'],
    document: mutation('deleteBot', 'DeleteBotInput'),
    variables: ({ sid, idempotencyKey, showSecrets }) => ({ input: withoutAbsent({ sid, idempotencyKey }), showSecrets }),
    dataOf: ({ bot }: BotChanged) => dataOf(bot),
  },
  {
    operation: 'searchBots',
    summary: "Lists the organization's bots",
    methods: ['GET'],
    path: '/msteams/teamsbot/search',
    aliases: aliases('/search'),
    success: 200,
    query: [page, pageSize, { ...enterpriseSid, example: OF_A_BOT }, startTime, endTime, sortBy({ dateCreated: 'DATE_CREATED' })],
    dataSchema: 'BotPage',
    errors: ['INVALID_PARAMETER', 'SEARCH_TOO_WIDE'],
    document: /* GraphQL */ `
      query ($first: Int!, $offset: Int!, $orderBy: BotOrder, $filter: BotFilter, $showSecrets: Boolean!) {
        result: bots(first: $first, offset: $offset, orderBy: $orderBy, filter: $filter) { totalCount nodes { ...BotAnswer } }
      } ${fragment}`,
    variables: (request) => ({
      ...pageVariables(request, { enterpriseSid: request.query.enterpriseSid }),
      showSecrets: request.showSecrets,
    }),
    dataOf: ({ nodes, totalCount }: Connection<BotRow>, request) =>
      pageData(nodes.map(dataOf), totalCount, '/msteams/teamsbot/details', request),
  },
  {
    operation: 'getBot',
    summary: 'Returns a bot',
    methods: ['GET'],
    path: '/msteams/teamsbot/search/{sid}',
    aliases: aliases('/search/{sid}'),
    success: 200,
    dataSchema: 'Bot',
    errors: ['BOT_NOT_FOUND'],
    document: /* GraphQL */ `query ($sid: ID!, $showSecrets: Boolean!) { result: bot(sid: $sid) { ...BotAnswer } } ${fragment}`,
    variables: ({ sid, showSecrets }) => ({ sid, showSecrets }),
    dataOf: (row: BotRow) => dataOf(row),
    notFound: botNotFound,
  },
];
