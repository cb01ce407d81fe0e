import { enterpriseNotFound } from '../../domain/errors.ts';
import { type BodyField, type Operation, successType } from './operation.ts';
import { type Connection, pageData, pageVariables } from './paging.ts';
import { choice, endTime, page, pageSize, sortBy, startTime, text } from './parameters.ts';
import { timestamp } from './timestamps.ts';
import { withoutAbsent } from './without-absent.ts';

interface EnterpriseRow {
  readonly sid: string;
  readonly name: string;
  readonly status: string;
  readonly dateCreated: string;
  readonly dateUpdated: string;
  readonly accountSid: string;
  readonly accountEmail: string;
  readonly admin: { readonly sid: string; readonly email: string };
}

/** The success of a mutation. */
interface EnterpriseChanged {
  readonly enterprise: EnterpriseRow;
}

const fragment = /* GraphQL */ `
  fragment EnterpriseAnswer on Enterprise {
    sid name status dateCreated dateUpdated accountSid accountEmail
    admin { sid email }
  }`;

const mutation = (name: 'createEnterprise' | 'updateEnterprise' | 'closeEnterprise', input: string) => /* GraphQL */ `
  mutation ($input: ${input}!) {
    result: ${name}(input: $input) { ... on ${successType(name)} { enterprise { ...EnterpriseAnswer } } ... on Error { code message value } }
  } ${fragment}`;

/** Times are in ISO form, whatever the settings (REST.md, Answers). */
function dataOf(row: EnterpriseRow) {
  return withoutAbsent({
    sid: row.sid,
    dateUpdated: timestamp(row.dateUpdated, 'iso'),
    dateCreated: timestamp(row.dateCreated, 'iso'),
    accountSid: row.accountSid,
    accountEmail: row.accountEmail,
    uri: `/msteams/enterprises/search/${row.sid}`,
    name: row.name,
    status: row.status,
    enterpriseAdminSid: row.admin.sid,
    enterpriseAdminEmail: row.admin.email,
  });
}

const statuses = ['ACTIVE', 'INACTIVE', 'CLOSED'];
const name: BodyField = { name: 'name', description: 'Name of the enterprise, unique within the organization, ignoring case.' };
const status: BodyField = {
  name: 'status',
  description: 'ACTIVE or INACTIVE. Defaults to ACTIVE.',
  values: ['ACTIVE', 'INACTIVE'],
  rule: 'must be ACTIVE or INACTIVE',
};

export const enterprises: readonly Operation[] = [
  {
    operation: 'createEnterprise',
    summary: 'Creates an enterprise and its admin account',
    methods: ['POST'],
    path: '/msteams/enterprises',
    aliases: ['/msteams/enterprise'],
    success: 201,
    nestsFailureData: true,
    body: [
      { ...name, mandatory: true },
      status,
      {
        name: 'enterpriseAdmin',
        description:
          "The enterprise's admin. A sub-account is created on the Restcomm platform; one that already exists there is linked, and keeps its password.",
        mandatory: true,
        fields: [
          {
            name: 'emailId',
            graphName: 'email',
            description: "E-mail address of the admin, unique among the admins of the organization's open enterprises.",
            mandatory: true,
          },
          { name: 'password', description: 'Password of the admin.', mandatory: true, secret: true },
          { name: 'name', description: 'Friendly name of the admin.' },
        ],
      },
    ],
    dataSchema: 'Enterprise',
    errors: ['MISSING_PARAMETER', 'INVALID_PARAMETER', 'PLATFORM_ERROR', 'ENTERPRISE_NAME_NOT_UNIQUE', 'EMAIL_NOT_UNIQUE'],
    document: mutation('createEnterprise', 'CreateEnterpriseInput'),
    variables: ({ body, idempotencyKey }) => ({ input: withoutAbsent({ ...body, idempotencyKey }) }),
    dataOf: ({ enterprise }: EnterpriseChanged) => dataOf(enterprise),
  },
  {
    operation: 'updateEnterprise',
    summary: "Updates an enterprise's name or status, or its admin's name or e-mail address",
    methods: ['PUT'],
    path: '/msteams/enterprises/{sid}',
    aliases: ['/msteams/enterprise/{sid}'],
    success: 200,
    body: [
      name,
      { ...status, description: 'ACTIVE or INACTIVE. Only DELETE closes an enterprise.' },
      {
        name: 'enterpriseAdmin',
        description: "Changes to the enterprise's admin. Its password is not changed here.",
        fields: [
          {
            name: 'emailId',
            graphName: 'email',
            description: 'New e-mail address of the admin, who then has another account on the Restcomm platform.',
          },
          { name: 'name', description: 'New friendly name of the admin.' },
        ],
      },
    ],
    dataSchema: 'Enterprise',
    errors: [
      'MISSING_PARAMETER',
      'INVALID_PARAMETER',
      'PLATFORM_ERROR',
      'ENTERPRISE_NOT_FOUND',
      'ENTERPRISE_NAME_NOT_UNIQUE',
      'EMAIL_NOT_UNIQUE',
      'ENTERPRISE_CLOSED',
    ],
    document: mutation('updateEnterprise', 'UpdateEnterpriseInput'),
    variables: ({ sid, body, idempotencyKey }) => ({ input: withoutAbsent({ sid, ...body, idempotencyKey }) }),
    dataOf: ({ enterprise }: EnterpriseChanged) => dataOf(enterprise),
  },
  {
    operation: 'deleteEnterprise',
    summary: 'Closes an enterprise permanently; it must have no mappings',
    methods: ['DELETE'],
    path: '/msteams/enterprises/{sid}',
    aliases: ['/msteams/enterprise/{sid}'],
    success: 200,
    dataSchema: 'Enterprise',
    errors: ['PLATFORM_ERROR', 'ENTERPRISE_NOT_FOUND', 'ENTERPRISE_HAS_MAPPINGS', 'ENTERPRISE_CLOSED'],
    document: mutation('closeEnterprise', 'CloseEnterpriseInput'),
    variables: ({ sid, idempotencyKey }) => ({ input: withoutAbsent({ sid, idempotencyKey }) }),
    dataOf: ({ enterprise }: EnterpriseChanged) => dataOf(enterprise),
  },
  {
    operation: 'searchEnterprises',
    summary: "Lists the organization's enterprises",
    methods: ['GET'],
    path: '/msteams/enterprises/search',
    aliases: ['/msteams/enterprise/search'],
    success: 200,
    query: [
      page,
      pageSize,
      text('name', 'Filters by a part of the name, ignoring case.', 'test'),
      choice('status', statuses, 'Filters by status.'),
      startTime,
      endTime,
      sortBy({ name: 'NAME', dateCreated: 'DATE_CREATED' }),
    ],
    dataSchema: 'EnterprisePage',
    errors: ['INVALID_PARAMETER', 'SEARCH_TOO_WIDE'],
    document: /* GraphQL */ `
      query ($first: Int!, $offset: Int!, $orderBy: EnterpriseOrder, $filter: EnterpriseFilter) {
        result: enterprises(first: $first, offset: $offset, orderBy: $orderBy, filter: $filter) { totalCount nodes { ...EnterpriseAnswer } }
      } ${fragment}`,
    variables: (request) =>
      pageVariables(request, {
        name: request.query.name,
        statuses: request.query.status === undefined ? undefined : [request.query.status],
      }),
    dataOf: ({ nodes, totalCount }: Connection<EnterpriseRow>, request) =>
      pageData(nodes.map(dataOf), totalCount, '/msteams/enterprises', request),
  },
  {
    operation: 'getEnterprise',
    summary: 'Returns an enterprise',
    methods: ['GET'],
    path: '/msteams/enterprises/search/{sid}',
    aliases: ['/msteams/enterprise/search/{sid}'],
    success: 200,
    dataSchema: 'Enterprise',
    errors: ['ENTERPRISE_NOT_FOUND'],
    document: /* GraphQL */ `query ($sid: ID!) { result: enterprise(sid: $sid) { ...EnterpriseAnswer } } ${fragment}`,
    variables: ({ sid }) => ({ sid }),
    dataOf: (row: EnterpriseRow) => dataOf(row),
    notFound: (sid) => enterpriseNotFound(sid),
  },
];
