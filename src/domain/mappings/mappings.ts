import { type Mapping, Prisma } from '../../../prisma/client/client.ts';
import { nestedReadsOf, readsOf } from '../../database/lists/reads.ts';
import { selectRow } from '../../database/lists/select.ts';
import type { Table } from '../../database/lists/table.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import type { SearchTooWideError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { containing, literal, storable, type TimeRanges, timesBetween } from '../lists/filters.ts';
import { edgeOf, type ListDefinition, type Order, type PageArguments, readPage, readPages, type Selection } from '../lists/keyset.ts';
import { numberContaining } from '../lists/number-filters.ts';
import type { Page } from '../lists/pages.ts';
import { normalizeSid } from '../values/sid.ts';
import { fold } from '../values/text.ts';

interface MappingFilter extends TimeRanges {
  enterpriseSid?: string | null;
  name?: string | null;
  microsoftAddress?: string | null;
  externalAddress?: string | null;
  domain?: string | null;
  operational?: boolean | null;
}
type MappingOrderField = 'DATE_CREATED' | 'NAME' | 'MICROSOFT_ADDRESS' | 'EXTERNAL_ADDRESS' | 'DOMAIN';

export const MAPPINGS: Table<Mapping> = {
  name: 'mapping',
  fields: Object.values(Prisma.MappingScalarFieldEnum),
  owner: 'organizationSid',
  indexes: [
    { by: 'enterpriseSid', order: 'dateCreated' },
    { by: 'microsoftDomain', order: 'sid' },
    { order: 'dateCreated', isDense: true },
    { order: 'nameFolded' },
    { order: 'microsoftAddressFolded' },
    { order: 'externalAddress' },
    { order: 'microsoftDomain' },
  ],
  trigrams: ['nameFolded', 'microsoftAddressFolded', 'externalDigits'],
  smallParents: ['enterpriseSid'],
};

/** Finds a mapping in the caller's reach; `null` where there is none. */
export function findMapping({ sql }: Gateway, caller: Caller, sid: string): Promise<Mapping | null> {
  return selectRow(sql, MAPPINGS, { sid: normalizeSid(sid), ...belonging(caller) });
}

const LIST: ListDefinition<Mapping, MappingOrderField> = {
  name: 'mappings',
  columns: {
    DATE_CREATED: 'dateCreated',
    NAME: 'nameFolded',
    MICROSOFT_ADDRESS: 'microsoftAddressFolded',
    EXTERNAL_ADDRESS: 'externalAddress',
    DOMAIN: 'microsoftDomain',
  },
};
const BY_CREATION: Order<MappingOrderField> = { field: 'DATE_CREATED', direction: 'ASC' };

/** The edge of a mapping in the default order of its lists. */
export const mappingEdge = (mapping: Mapping) => edgeOf(LIST, 'DATE_CREATED', mapping);

/** Reads one page of the mappings in the caller's reach. Sorted by creation by default. */
export function listMappings(
  { sql }: Gateway,
  caller: Caller,
  filter: MappingFilter,
  order: Order<MappingOrderField> = BY_CREATION,
  page: PageArguments = {},
  selection?: Selection,
): Promise<Page<Mapping>> {
  return readPage(caller, LIST, readsOf(sql, MAPPINGS), conditions(caller, filter), order, page, selection);
}

/** Reads the same page of the mappings of each of these enterprises, in the order of the enterprises. */
export function listMappingsOf(
  { sql }: Gateway,
  caller: Caller,
  enterpriseSids: readonly string[],
  filter: MappingFilter,
  order: Order<MappingOrderField> = BY_CREATION,
  page: PageArguments = {},
  selection?: Selection,
): Promise<(Page<Mapping> | SearchTooWideError)[]> {
  const reads = nestedReadsOf(sql, MAPPINGS, 'enterpriseSid', enterpriseSids);
  return readPages(caller, LIST, reads, conditions(caller, filter), order, page, selection);
}

const conditions = (caller: Caller, filter: MappingFilter) => [
  belonging(caller),
  filter.enterpriseSid ? { enterpriseSid: normalizeSid(filter.enterpriseSid) } : {},
  containing('nameFolded', literal('name', filter.name)),
  containing('microsoftAddressFolded', literal('microsoftAddress', filter.microsoftAddress)),
  numberContaining('externalAddress', filter.externalAddress),
  ofDomain(filter.domain),
  operating(filter.operational),
  timesBetween(filter),
];

function ofDomain(text: string | null | undefined) {
  const domain = storable('domain', text);
  return domain === undefined ? {} : { microsoftDomain: fold(domain) };
}

/** The condition that the enterprise is one whose mappings send and receive, or is not (isOperational). */
const operating = (operational: boolean | null | undefined) =>
  operational == null ? {} : { EXISTS: { ...ENTERPRISE_OF, where: { status: { in: operational ? ['ACTIVE'] : ['INACTIVE', 'CLOSED'] } } } };

const ENTERPRISE_OF = { table: 'enterprise', of: 'mapping', by: { organizationSid: 'organizationSid', sid: 'enterpriseSid' } } as const;
