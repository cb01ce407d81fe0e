import { mappingNotFound } from '../domain/errors.ts';
import type { BodyField, Operation } from './operation.ts';
import { type Connection, pageAnswer, pageVariables } from './paging.ts';
import { address, endTime, enterpriseSid, page, pageSize, sortBy, startTime, text } from './parameters.ts';
import { present } from './present.ts';
import { type TimestampForm, timestamp, timestampForm } from './timestamps.ts';

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

const fragment = /* GraphQL */ `
  fragment MappingAnswer on Mapping {
    sid name microsoftAddress externalAddress dateCreated dateUpdated accountSid accountEmail enterpriseSid
    enterprise { name }
  }`;

const mutation = (name: 'createMapping' | 'updateMapping' | 'deleteMapping', input: string) => /* GraphQL */ `
  mutation ($input: ${input}!) {
    result: ${name}(input: $input) { ...MappingAnswer ... on Error { code message value } }
  } ${fragment}`;

function answer(row: MappingRow, form: TimestampForm) {
  return present({
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
  { name: 'name', description: 'Friendly name of the Teams user; the microsoftAddress where not given.' },
  {
    name: 'microsoftAddress',
    description: "The Teams user's id: an address of the tenant that the enterprise's bot belongs to.",
    mandatory,
  },
  { name: 'externalAddress', description: 'The number that is to be SMS-enabled and mapped. Unique in the whole system.', mandatory },
  { name: 'enterpriseSid', aliases: ['enterpriseId'], description: 'The enterprise that the mapping belongs to.', mandatory },
];

export const mappings: readonly Operation[] = [
  {
    operation: 'createMapping',
    summary: 'SMS-enables a number and maps it to a Teams user',
    methods: ['POST'],
    path: '/msteams/mappings',
    aliases: ['/msteams/teams/mappings'],
    success: 200,
    body: fields(true),
    answer: 'CreatedMapping',
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
    variables: ({ body, idempotencyKey }) => ({ input: present({ ...body, idempotencyKey }) }),
    envelope: (row: MappingRow, _request, settings) => answer(row, timestampForm(settings, 'java')),
  },
  {
    operation: 'updateMapping',
    summary: 'Changes a mapping',
    methods: ['PUT'],
    path: '/msteams/mappings/{sid}',
    aliases: ['/msteams/teams/mappings/{sid}'],
    success: 200,
    body: fields(false),
    answer: 'Mapping',
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
    variables: ({ sid, body, idempotencyKey }) => ({ input: present({ sid, ...body, idempotencyKey }) }),
    envelope: (row: MappingRow, _request, settings) => answer(row, timestampForm(settings, 'sql')),
  },
  {
    operation: 'deleteMapping',
    summary: 'Deletes a mapping and takes its number out of use',
    methods: ['DELETE'],
    path: '/msteams/mappings/{sid}',
    aliases: ['/msteams/teams/mappings/{sid}'],
    success: 200,
    answer: 'Mapping',
    errors: ['PLATFORM_ERROR', 'MAPPING_NOT_FOUND'],
    document: mutation('deleteMapping', 'DeleteMappingInput'),
    variables: ({ sid, idempotencyKey }) => ({ input: present({ sid, idempotencyKey }) }),
    envelope: (row: MappingRow, _request, settings) => answer(row, timestampForm(settings, 'sql')),
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
      text('name', 'Only those whose name contains this text, in any case.'),
      text('microsoftAddress', 'Only those whose Teams user id contains this text, in any case.'),
      address('externalAddress', 'Only those whose number contains this text.'),
      sortBy({
        name: 'NAME',
        dateCreated: 'DATE_CREATED',
        microsoftAddress: 'MICROSOFT_ADDRESS',
        externalAddress: 'EXTERNAL_ADDRESS',
        domain: 'DOMAIN',
      }),
    ],
    answer: 'MappingPage',
    errors: ['INVALID_PARAMETER'],
    document: /* GraphQL */ `
      query ($first: Int!, $offset: Int!, $orderBy: MappingOrder, $filter: MappingFilter) {
        result: mappings(first: $first, offset: $offset, orderBy: $orderBy, filter: $filter) { totalCount nodes { ...MappingAnswer } }
      } ${fragment}`,
    variables: (request) => {
      const { enterpriseSid, name, microsoftAddress, externalAddress } = request.query;
      return pageVariables(request, { enterpriseSid, name, microsoftAddress, externalAddress });
    },
    envelope: ({ nodes, totalCount }: Connection<MappingRow>, request, settings) =>
      pageAnswer(
        nodes.map((row) => answer(row, timestampForm(settings, 'sql'))),
        totalCount,
        '/msteams/teams/mappings',
        request,
      ),
  },
  {
    operation: 'getMapping',
    summary: 'Gets one mapping',
    methods: ['GET'],
    path: '/msteams/mappings/search/{sid}',
    aliases: ['/msteams/teams/mappings/search/{sid}'],
    success: 200,
    answer: 'Mapping',
    errors: ['MAPPING_NOT_FOUND'],
    document: /* GraphQL */ `query ($sid: ID!) { result: mapping(sid: $sid) { ...MappingAnswer } } ${fragment}`,
    variables: ({ sid }) => ({ sid }),
    envelope: (row: MappingRow, _request, settings) => answer(row, timestampForm(settings, 'sql')),
    notFound: mappingNotFound,
  },
];
