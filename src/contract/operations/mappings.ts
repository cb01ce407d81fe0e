import { mappingNotFound } from '../../domain/errors.ts';
import { type BodyField, type Operation, successType } from './operation.ts';
import { type Connection, pageData, pageVariables } from './paging.ts';
import { address, endTime, enterpriseSid, page, pageSize, sortBy, startTime, text } from './parameters.ts';
import { type TimestampForm, timestamp, timestampForm } from './timestamps.ts';
import { withoutAbsent } from './without-absent.ts';

interface MappingRow {
  readonly sid: string;
  readonly name: string;
  readonly microsoftAddress: string;
  readonly externalAddress: string;
  readonly dateCreated: string;
  readonly dateUpdated: string;
  readonly accountSid: string;
  readonly accountEmail: string;
  readonly enterpriseSid: string;
  readonly enterprise: { readonly name: string };
}

/** The success of a mutation. */
interface MappingChanged {
  readonly mapping: MappingRow;
}

const fragment = /* GraphQL */ `
  fragment MappingAnswer on Mapping {
    sid name microsoftAddress externalAddress dateCreated dateUpdated accountSid accountEmail enterpriseSid
    enterprise { name }
  }`;

const mutation = (name: 'createMapping' | 'updateMapping' | 'deleteMapping', input: string) => /* GraphQL */ `
  mutation ($input: ${input}!) {
    result: ${name}(input: $input) { ... on ${successType(name)} { mapping { ...MappingAnswer } } ... on Error { code message value } }
  } ${fragment}`;

function dataOf(row: MappingRow, form: TimestampForm) {
  return withoutAbsent({
    sid: row.sid,
    dateUpdated: timestamp(row.dateUpdated, form),
    dateCreated: timestamp(row.dateCreated, form),
    accountSid: row.accountSid,
    accountEmail: row.accountEmail,
    uri: `/msteams/teams/mappings/search/${row.sid}`,
    microsoftAddress: row.microsoftAddress,
    externalAddress: row.externalAddress,
    name: row.name,
    enterpriseSid: row.enterpriseSid,
    enterpriseName: row.enterprise.name,
  });
}

const fields = (mandatory: boolean): readonly BodyField[] => [
  { name: 'name', description: 'Friendly name of the Teams user. Defaults to the microsoftAddress.' },
  {
    name: 'microsoftAddress',
    description: "User principal name of the Teams user, in the tenant of the enterprise's bot.",
    mandatory,
  },
  {
    name: 'externalAddress',
    description: 'Phone number to SMS-enable and map, unique in the whole system in whatever form it is given.',
    mandatory,
  },
  { name: 'enterpriseSid', aliases: ['enterpriseId'], description: 'Sid of the enterprise that the mapping belongs to.', mandatory },
];

export const mappings: readonly Operation[] = [
  {
    operation: 'createMapping',
    summary: 'Enables SMS for a phone number and maps it to a Teams user',
    methods: ['POST'],
    path: '/msteams/mappings',
    aliases: ['/msteams/teams/mappings'],
    success: 200,
    body: fields(true),
    dataSchema: 'CreatedMapping',
    errors: [
      'MISSING_PARAMETER',
      'INVALID_PARAMETER',
      'PLATFORM_ERROR',
      'ENTERPRISE_NOT_FOUND',
      'ENTERPRISE_CLOSED',
      'EXTERNAL_ADDRESS_NOT_UNIQUE',
      'MICROSOFT_ADDRESS_INVALID',
    ],
    document: mutation('createMapping', 'CreateMappingInput'),
    variables: ({ body, idempotencyKey }) => ({ input: withoutAbsent({ ...body, idempotencyKey }) }),
    dataOf: ({ mapping }: MappingChanged, _request, settings) => dataOf(mapping, timestampForm(settings, 'java')),
  },
  {
    operation: 'updateMapping',
    summary: 'Updates a mapping',
    methods: ['PUT'],
    path: '/msteams/mappings/{sid}',
    aliases: ['/msteams/teams/mappings/{sid}'],
    success: 200,
    body: fields(false),
    dataSchema: 'Mapping',
    errors: [
      'MISSING_PARAMETER',
      'INVALID_PARAMETER',
      'PLATFORM_ERROR',
      'MAPPING_NOT_FOUND',
      'ENTERPRISE_NOT_FOUND',
      'ENTERPRISE_CLOSED',
      'EXTERNAL_ADDRESS_NOT_UNIQUE',
      'MICROSOFT_ADDRESS_INVALID',
    ],
    document: mutation('updateMapping', 'UpdateMappingInput'),
    variables: ({ sid, body, idempotencyKey }) => ({ input: withoutAbsent({ sid, ...body, idempotencyKey }) }),
    dataOf: ({ mapping }: MappingChanged, _request, settings) => dataOf(mapping, timestampForm(settings, 'sql')),
  },
  {
    operation: 'deleteMapping',
    summary: 'Deletes a mapping and disables SMS for its phone number',
    methods: ['DELETE'],
    path: '/msteams/mappings/{sid}',
    aliases: ['/msteams/teams/mappings/{sid}'],
    success: 200,
    dataSchema: 'Mapping',
    errors: ['PLATFORM_ERROR', 'MAPPING_NOT_FOUND'],
    document: mutation('deleteMapping', 'DeleteMappingInput'),
    variables: ({ sid, idempotencyKey }) => ({ input: withoutAbsent({ sid, idempotencyKey }) }),
    dataOf: ({ mapping }: MappingChanged, _request, settings) => dataOf(mapping, timestampForm(settings, 'sql')),
  },
  {
    operation: 'searchMappings',
    summary: "Lists the organization's mappings",
    methods: ['GET'],
    path: '/msteams/mappings/search',
    aliases: ['/msteams/teams/mappings/search'],
    success: 200,
    query: [
      page,
      pageSize,
      enterpriseSid,
      startTime,
      endTime,
      text('name', 'Filters by a part of the name, ignoring case.', 'map'),
      text('microsoftAddress', "Filters by a part of the Teams user's address, ignoring case.", 'solutionstelestax'),
      address('externalAddress', 'Filters by a part of the phone number, in any notation.', '9898'),
      sortBy({
        name: 'NAME',
        dateCreated: 'DATE_CREATED',
        microsoftAddress: 'MICROSOFT_ADDRESS',
        externalAddress: 'EXTERNAL_ADDRESS',
        domain: 'DOMAIN',
      }),
    ],
    dataSchema: 'MappingPage',
    errors: ['INVALID_PARAMETER', 'SEARCH_TOO_WIDE'],
    document: /* GraphQL */ `
      query ($first: Int!, $offset: Int!, $orderBy: MappingOrder, $filter: MappingFilter) {
        result: mappings(first: $first, offset: $offset, orderBy: $orderBy, filter: $filter) { totalCount nodes { ...MappingAnswer } }
      } ${fragment}`,
    variables: (request) => {
      const { enterpriseSid, name, microsoftAddress, externalAddress } = request.query;
      return pageVariables(request, { enterpriseSid, name, microsoftAddress, externalAddress });
    },
    dataOf: ({ nodes, totalCount }: Connection<MappingRow>, request, settings) =>
      pageData(
        nodes.map((row) => dataOf(row, timestampForm(settings, 'sql'))),
        totalCount,
        '/msteams/teams/mappings',
        request,
      ),
  },
  {
    operation: 'getMapping',
    summary: 'Returns a mapping',
    methods: ['GET'],
    path: '/msteams/mappings/search/{sid}',
    aliases: ['/msteams/teams/mappings/search/{sid}'],
    success: 200,
    dataSchema: 'Mapping',
    errors: ['MAPPING_NOT_FOUND'],
    document: /* GraphQL */ `query ($sid: ID!) { result: mapping(sid: $sid) { ...MappingAnswer } } ${fragment}`,
    variables: ({ sid }) => ({ sid }),
    dataOf: (row: MappingRow, _request, settings) => dataOf(row, timestampForm(settings, 'sql')),
    notFound: mappingNotFound,
  },
];
