import { enterpriseNotFound } from '../domain/errors.ts';
import type { BodyField, Operation } from './operation.ts';
import { type Connection, pageAnswer, pageVariables } from './paging.ts';
import { choice, endTime, page, pageSize, sortBy, startTime, text } from './parameters.ts';
import { present } from './present.ts';
import { timestamp } from './timestamps.ts';

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

const fragment = /* GraphQL */ `
  fragment EnterpriseAnswer on Enterprise {
    sid name status dateCreated dateUpdated accountSid accountEmail
    admin { sid email }
  }`;

const mutation = (name: 'createEnterprise' | 'updateEnterprise' | 'closeEnterprise', input: string) => /* GraphQL */ `
  mutation ($input: ${input}!) {
    result: ${name}(input: $input) { ...EnterpriseAnswer ... on Error { code message value } }
  } ${fragment}`;

/** Enterprises answer their times in one form, whatever the settings. */
function answer(row: EnterpriseRow) {
  return present({
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
const name: BodyField = { name: 'name', description: 'Name of the enterprise, unique within the organization.' };
const status: BodyField = {
  name: 'status',
  description: 'ACTIVE or INACTIVE; ACTIVE where not given.',
  values: statuses,
  why: 'must be ACTIVE or INACTIVE',
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
          'The admin. A sub-account is made for it on the Restcomm platform; one that exists there is linked, its password untouched.',
        mandatory: true,
        fields: [
          { name: 'emailId', description: "The admin's e-mail.", mandatory: true },
          { name: 'password', description: "The admin's password.", mandatory: true, secret: true },
          { name: 'name', description: "The admin's friendly name." },
        ],
      },
    ],
    answer: 'Enterprise',
    errors: ['MISSING_PARAMETER', 'INVALID_PARAMETER', 'PLATFORM_ERROR', 'ENTERPRISE_NAME_NOT_UNIQUE', 'EMAIL_NOT_UNIQUE'],
    document: mutation('createEnterprise', 'CreateEnterpriseInput'),
    variables: ({ body, idempotencyKey }) => ({ input: present({ ...body, idempotencyKey }) }),
    envelope: (row: EnterpriseRow) => answer(row),
  },
  {
    operation: 'updateEnterprise',
    summary: 'Changes the name or the status of an enterprise',
    methods: ['PUT'],
    path: '/msteams/enterprises/{sid}',
    aliases: ['/msteams/enterprise/{sid}'],
    success: 200,
    body: [name, { ...status, description: 'ACTIVE or INACTIVE. CLOSED is reached by DELETE alone.' }],
    answer: 'Enterprise',
    errors: [
      'MISSING_PARAMETER',
      'INVALID_PARAMETER',
      'PLATFORM_ERROR',
      'ENTERPRISE_NOT_FOUND',
      'ENTERPRISE_NAME_NOT_UNIQUE',
      'ENTERPRISE_CLOSED',
    ],
    document: mutation('updateEnterprise', 'UpdateEnterpriseInput'),
    variables: ({ sid, body, idempotencyKey }) => ({ input: present({ sid, ...body, idempotencyKey }) }),
    envelope: (row: EnterpriseRow) => answer(row),
  },
  {
    operation: 'deleteEnterprise',
    summary: 'Closes an enterprise without mappings, for good',
    methods: ['DELETE'],
    path: '/msteams/enterprises/{sid}',
    aliases: ['/msteams/enterprise/{sid}'],
    success: 200,
    answer: 'Enterprise',
    errors: ['PLATFORM_ERROR', 'ENTERPRISE_NOT_FOUND', 'ENTERPRISE_HAS_MAPPINGS', 'ENTERPRISE_CLOSED'],
    document: mutation('closeEnterprise', 'CloseEnterpriseInput'),
    variables: ({ sid, idempotencyKey }) => ({ input: present({ sid, idempotencyKey }) }),
    envelope: (row: EnterpriseRow) => answer(row),
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
      text('name', 'Only those whose name contains this text, in any case.'),
      choice('status', statuses, 'Only those of this status.'),
      startTime,
      endTime,
      sortBy({ name: 'NAME', dateCreated: 'DATE_CREATED' }),
    ],
    answer: 'EnterprisePage',
    errors: ['INVALID_PARAMETER'],
    document: /* GraphQL */ `
      query ($first: Int!, $offset: Int!, $orderBy: EnterpriseOrder, $filter: EnterpriseFilter) {
        result: enterprises(first: $first, offset: $offset, orderBy: $orderBy, filter: $filter) { totalCount nodes { ...EnterpriseAnswer } }
      } ${fragment}`,
    variables: (request) =>
      pageVariables(request, {
        name: request.query.name,
        statuses: request.query.status === undefined ? undefined : [request.query.status],
      }),
    envelope: ({ nodes, totalCount }: Connection<EnterpriseRow>, request) =>
      pageAnswer(nodes.map(answer), totalCount, '/msteams/enterprises', request),
  },
  {
    operation: 'getEnterprise',
    summary: 'Gets one enterprise',
    methods: ['GET'],
    path: '/msteams/enterprises/search/{sid}',
    aliases: ['/msteams/enterprise/search/{sid}'],
    success: 200,
    answer: 'Enterprise',
    errors: ['ENTERPRISE_NOT_FOUND'],
    document: /* GraphQL */ `query ($sid: ID!) { result: enterprise(sid: $sid) { ...EnterpriseAnswer } } ${fragment}`,
    variables: ({ sid }) => ({ sid }),
    envelope: (row: EnterpriseRow) => answer(row),
    notFound: (sid) => enterpriseNotFound(sid),
  },
];
