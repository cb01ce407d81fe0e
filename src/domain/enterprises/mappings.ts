import { type Mapping, Prisma } from '../../../prisma/client/client.ts';
import { nestedReadsOf, readsOf } from '../../database/lists/reads.ts';
import { selectRow, type Table } from '../../database/lists/select.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import type { Gateway } from '../gateway.ts';
import { type CreatedRange, containing, createdBetween, literal } from '../lists/filters.ts';
import { type Listed, type Order, type PageArguments, readPage, readPages, type Shown } from '../lists/keyset.ts';
import type { Page } from '../lists/pages.ts';
import { sought } from '../sid.ts';

export interface MappingFilter extends CreatedRange {
  enterpriseSid?: string | null;
  name?: string | null;
  microsoftAddress?: string | null;
  externalAddress?: string | null;
}
export type MappingOrderField = 'DATE_CREATED' | 'NAME' | 'MICROSOFT_ADDRESS' | 'EXTERNAL_ADDRESS' | 'DOMAIN';

export const MAPPINGS: Table<Mapping> = {
  name: 'mapping',
  fields: Object.values(Prisma.MappingScalarFieldEnum),
  owner: 'organizationSid',
};

/** The mapping with this sid in the caller's organization, else `null`. */
export function findMapping({ sql }: Gateway, caller: Caller, sid: string): Promise<Mapping | null> {
  return selectRow(sql, MAPPINGS, { sid: sought(sid), ...belonging(caller) });
}

const LIST: Listed<Mapping, MappingOrderField> = {
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

/** One page of the caller's mappings. Default order: creation. */
export function listMappings(
  { sql }: Gateway,
  caller: Caller,
  filter: MappingFilter,
  order: Order<MappingOrderField> = BY_CREATION,
  page: PageArguments = {},
  shown?: Shown,
): Promise<Page<Mapping>> {
  return readPage(caller, LIST, readsOf(sql, MAPPINGS), conditions(caller, filter), order, page, shown);
}

/** The same page of each of these enterprises' mappings. */
export function listMappingsOf(
  { sql }: Gateway,
  caller: Caller,
  enterpriseSids: readonly string[],
  filter: MappingFilter,
  order: Order<MappingOrderField> = BY_CREATION,
  page: PageArguments = {},
  shown?: Shown,
): Promise<Page<Mapping>[]> {
  const reads = nestedReadsOf(sql, MAPPINGS, 'enterpriseSid', enterpriseSids);
  return readPages(caller, LIST, reads, conditions(caller, filter), order, page, shown);
}

const conditions = (caller: Caller, filter: MappingFilter) => [
  belonging(caller),
  filter.enterpriseSid ? { enterpriseSid: sought(filter.enterpriseSid) } : {},
  containing('nameFolded', literal('name', filter.name)),
  containing('microsoftAddressFolded', literal('microsoftAddress', filter.microsoftAddress)),
  containing('externalAddress', literal('externalAddress', filter.externalAddress)),
  createdBetween(filter),
];
