import { botNotFound } from '../domain/errors.ts';
import type { BodyField, Operation } from './operation.ts';
import { type Connection, pageAnswer, pageVariables } from './paging.ts';
import { endTime, enterpriseSid, page, pageSize, sortBy, startTime } from './parameters.ts';
import { present } from './present.ts';
import { timestamp } from './timestamps.ts';

interface BotRow {
  readonly sid: string;
  readonly applicationId: string;
  readonly tenantId: string;
  readonly botAppId: string;
  readonly clientSecretHint: string;
  /** Only where it was asked for. */
  readonly clientSecret?: string;
  readonly dateCreated: string;
  readonly dateUpdated: string;
  readonly accountSid: string;
  readonly accountEmail: string;
  readonly enterpriseSid: string;
  readonly enterprise: { readonly name: string };
}

const fragment = /* GraphQL */ `
  fragment BotAnswer on Bot {
    sid applicationId tenantId botAppId clientSecretHint clientSecret @include(if: $showSecrets)
    dateCreated dateUpdated accountSid accountEmail enterpriseSid
    enterprise { name }
  }`;

const mutation = (name: 'createBot' | 'updateBot' | 'deleteBot', input: string) => /* GraphQL */ `
  mutation ($input: ${input}!, $showSecrets: Boolean!) {
    result: ${name}(input: $input) { ...BotAnswer ... on Error { code message value } }
  } ${fragment}`;

/** The recorded answers of bots have no times: theirs are ISO whatever the settings. The secret has both its spellings. */
function answer(row: BotRow) {
  const secret = row.clientSecret ?? `••••${row.clientSecretHint}`;
  return present({
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
    description: 'The enterprise that the bot belongs to; it has one at most.',
    mandatory,
  },
  { name: 'applicationId', description: 'Id of the Azure application.', mandatory },
  { name: 'tenantId', description: "Id of the application's tenant.", mandatory },
  {
    name: 'clientSecret',
    aliases: ['clientsecret'],
    description: 'Client secret of the application. A masked one, as an answer showed it, leaves the secret as it is.',
    mandatory,
    secret: true,
  },
  { name: 'botAppId', description: 'App store id of the published bot.', mandatory },
];

const bases = ['/msteams/teamsbot/details', '/mxteams/teamsbot', '/mxteams/teamsbot/details'];
const aliases = (rest: string) => bases.map((base) => base + rest);

export const bots: readonly Operation[] = [
  {
    operation: 'createBot',
    summary: 'Adds the bot of an enterprise',
    methods: ['POST'],
    path: '/msteams/teamsbot',
    aliases: aliases(''),
    success: 200,
    body: fields(true),
    answer: 'Bot',
    errors: ['MISSING_PARAMETER', 'INVALID_PARAMETER', 'PLATFORM_ERROR', 'ENTERPRISE_NOT_FOUND', 'ENTERPRISE_CLOSED', 'BOT_EXISTS'],
    document: mutation('createBot', 'CreateBotInput'),
    variables: ({ body, idempotencyKey, showSecrets }) => ({ input: present({ ...body, idempotencyKey }), showSecrets }),
    envelope: (row: BotRow) => answer(row),
  },
  {
    operation: 'updateBot',
    summary: 'Changes a bot',
    // The source documents PUT, and shows POST in its example.
    methods: ['PUT', 'POST'],
    path: '/msteams/teamsbot/{sid}',
    aliases: aliases('/{sid}'),
    success: 200,
    body: fields(false),
    answer: 'Bot',
    errors: [
      'MISSING_PARAMETER',
      'INVALID_PARAMETER',
      'PLATFORM_ERROR',
      'BOT_NOT_FOUND',
      'ENTERPRISE_NOT_FOUND',
      'ENTERPRISE_CLOSED',
      'BOT_EXISTS',
    ],
    document: mutation('updateBot', 'UpdateBotInput'),
    variables: ({ sid, body, idempotencyKey, showSecrets }) => ({ input: present({ sid, ...body, idempotencyKey }), showSecrets }),
    envelope: (row: BotRow) => answer(row),
  },
  {
    operation: 'deleteBot',
    summary: 'Deletes a bot',
    methods: ['DELETE'],
    path: '/msteams/teamsbot/{sid}',
    aliases: aliases('/{sid}'),
    success: 200,
    answer: 'Bot',
    errors: ['BOT_NOT_FOUND'],
    document: mutation('deleteBot', 'DeleteBotInput'),
    variables: ({ sid, idempotencyKey, showSecrets }) => ({ input: present({ sid, idempotencyKey }), showSecrets }),
    envelope: (row: BotRow) => answer(row),
  },
  {
    operation: 'searchBots',
    summary: "Lists the organization's bots",
    methods: ['GET'],
    path: '/msteams/teamsbot/search',
    aliases: aliases('/search'),
    success: 200,
    query: [page, pageSize, enterpriseSid, startTime, endTime, sortBy({ dateCreated: 'DATE_CREATED' })],
    answer: 'BotPage',
    errors: ['INVALID_PARAMETER'],
    document: /* GraphQL */ `
      query ($first: Int!, $offset: Int!, $orderBy: BotOrder, $filter: BotFilter, $showSecrets: Boolean!) {
        result: bots(first: $first, offset: $offset, orderBy: $orderBy, filter: $filter) { totalCount nodes { ...BotAnswer } }
      } ${fragment}`,
    variables: (request) => ({
      ...pageVariables(request, { enterpriseSid: request.query.enterpriseSid }),
      showSecrets: request.showSecrets,
    }),
    envelope: ({ nodes, totalCount }: Connection<BotRow>, request) =>
      pageAnswer(nodes.map(answer), totalCount, '/msteams/teamsbot/details', request),
  },
  {
    operation: 'getBot',
    summary: 'Gets one bot',
    methods: ['GET'],
    path: '/msteams/teamsbot/search/{sid}',
    aliases: aliases('/search/{sid}'),
    success: 200,
    answer: 'Bot',
    errors: ['BOT_NOT_FOUND'],
    document: /* GraphQL */ `query ($sid: ID!, $showSecrets: Boolean!) { result: bot(sid: $sid) { ...BotAnswer } } ${fragment}`,
    variables: ({ sid, showSecrets }) => ({ sid, showSecrets }),
    envelope: (row: BotRow) => answer(row),
    notFound: botNotFound,
  },
];
