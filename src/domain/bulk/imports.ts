import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { MappingImport, MappingImportRow } from '../../../prisma/client/client.ts';
import { mayUse } from '../access/organization.ts';
import type { Caller } from '../caller.ts';
import { belonging } from '../confinement.ts';
import { deleteExpired } from '../delete-expired.ts';
import { requireOpenEnterprise } from '../enterprises/enterprise-state.ts';
import { ConflictError, InvalidInputError, importNotFound } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently, type Remember } from '../idempotency.ts';
import { invalidParameter, type Keyed, lookup, mandatory, parseInput } from '../input.ts';
import { inTransaction, type Transaction } from '../transaction.ts';
import { comparedForm } from '../values/phone-numbers.ts';
import { newSid, normalizeSid } from '../values/sid.ts';
import { isPhoneNumber } from '../values/text.ts';
import { NotOptedInError } from './exports.ts';
import { type ImportedRow, readImportFile } from './import-file.ts';
import { expiryOf, ownerColumns } from './links.ts';

// An import is a file of mappings for an enterprise (docs/adr/0027): AWAITING_UPLOAD → CHECKING → CHECKED → RUNNING → COMPLETED, or FAILED where the
// credentials ended. Its rows: PENDING → VALID, EXISTING or INVALID by the check; VALID → CREATED, EXISTING or FAILED by the run.

export const importStatuses = ['AWAITING_UPLOAD', 'CHECKING', 'CHECKED', 'RUNNING', 'COMPLETED', 'FAILED'] as const;
export type ImportStatus = (typeof importStatuses)[number];
export const importRowStatuses = ['PENDING', 'VALID', 'INVALID', 'CREATED', 'EXISTING', 'FAILED'] as const;
export type ImportRowStatus = (typeof importRowStatuses)[number];

const createInput = z.object({ enterpriseSid: mandatory() });
const runInput = z.object({ sid: lookup(), skipInvalid: z.boolean().nullish() });
type ImportMappingsInput = z.input<typeof createInput> & Keyed;
type RunMappingImportInput = z.input<typeof runInput> & Keyed;

/** How many rows of a file are stored by a statement. */
const BATCH = 500;
/** How many rows or imports are listed at once. */
const MAX_LISTED = 1000;
/** How many imports of an organization may be unfinished: not uploaded, being checked or running. Those for one enterprise only share half. */
const MAX_UNFINISHED = 50;
/** How long an upload may take, in ms. The body must arrive within 60 s. */
export const UPLOAD_MS = 90_000;
/** How many imports are deleted by a statement, with up to 10,000 rows each. */
const PURGED = 5;
/** How long an import is kept, in ms. */
const KEPT_MS = 30 * 24 * 60 * 60_000;

/**
 * Prepares an import into an enterprise: its file is uploaded to a link.
 * @throws InvalidInputError; NotFoundError ENTERPRISE_NOT_FOUND; ConflictError ENTERPRISE_CLOSED, TOO_MANY_IMPORTS; NotOptedInError
 */
export function importMappings(gateway: Gateway, caller: Caller, input: ImportMappingsInput): Promise<MappingImport> {
  return idempotently(gateway, caller, 'importMappings', input, async (remember) => {
    const { enterpriseSid } = parseInput(createInput, input);
    await requireImportable(gateway, caller, enterpriseSid);
    return createImport(gateway, caller, enterpriseSid, remember);
  });
}

/** @throws NotFoundError ENTERPRISE_NOT_FOUND; ConflictError ENTERPRISE_CLOSED; NotOptedInError */
export async function requireImportable(gateway: Gateway, caller: Caller, enterpriseSid: string): Promise<void> {
  await requireOpenEnterprise(gateway, caller, enterpriseSid);
  if (!(await mayUse(gateway, caller, 'admin-import'))) throw new NotOptedInError('admin-import');
}

/**
 * Creates an import without rows.
 * @throws ConflictError TOO_MANY_IMPORTS
 */
export function createImport(gateway: Gateway, caller: Caller, enterpriseSid: string, remember: Remember): Promise<MappingImport> {
  const now = new Date();
  const data = {
    ...{ sid: newSid('IM'), ...ownerColumns(caller), enterpriseSid, status: 'AWAITING_UPLOAD' },
    ...{
      requestId: caller.requestId,
      remoteAddress: caller.remoteAddress,
      dateCreated: now,
      dateUpdated: now,
      dateExpires: expiryOf(caller, now),
    },
  };
  return inTransaction(gateway.prisma, async (tx) => {
    await requireFewUnfinished(tx, caller);
    const created = await tx.mappingImport.create({ data });
    await remember(tx, created);
    return created;
  });
}

/** @throws ConflictError TOO_MANY_IMPORTS */
async function requireFewUnfinished(tx: Transaction, { organizationSid, enterpriseSid }: Caller): Promise<void> {
  // Others that prepare one at the same time wait, and count this one.
  await tx.$queryRaw`SELECT 1 FROM organization WHERE sid = ${organizationSid} FOR NO KEY UPDATE`;
  const unfinished = [{ status: { in: ['CHECKING', 'RUNNING'] } }, { status: 'AWAITING_UPLOAD', dateExpires: { gt: new Date() } }];
  const count = (own: object) => tx.mappingImport.count({ where: { organizationSid, OR: unfinished, ...own } });
  const isFull =
    (await count({})) >= MAX_UNFINISHED || (enterpriseSid && (await count({ confinedTo: { not: null } })) >= MAX_UNFINISHED / 2);
  if (!isFull) return;
  throw new ConflictError('TOO_MANY_IMPORTS', `At most ${MAX_UNFINISHED} imports of an organization may be unfinished; try again later`);
}

/**
 * Stores the rows of an uploaded file, and has them checked. A file that is malformed or cut off leaves nothing behind, and may be uploaded again.
 * @throws InvalidInputError for a malformed file; ConflictError IMPORT_NOT_READY if the import already has one, or one is being uploaded
 */
export const uploadImport = (gateway: Gateway, created: MappingImport, chunks: AsyncIterable<Uint8Array>): Promise<number> =>
  storeRows(gateway, created, readImportFile(chunks));

/**
 * Stores the rows of an import, and has them checked. If they cannot all be read, none are stored.
 * @throws what `rows` throws; ConflictError IMPORT_NOT_READY if the import already has rows, or they are being stored
 */
export async function storeRows(
  gateway: Gateway,
  { sid, organizationSid, status }: MappingImport,
  rows: AsyncIterable<ImportedRow>,
): Promise<number> {
  const { prisma } = gateway;
  if (status !== 'AWAITING_UPLOAD') throw notReady(sid, 'The import already has its file');
  const upload = randomUUID();
  const now = new Date();
  const begun = await prisma.mappingImport.updateMany({
    where: { sid, status: 'AWAITING_UPLOAD', OR: [{ heldUntil: null }, { heldUntil: { lt: now } }] },
    data: { holder: upload, heldUntil: new Date(now.getTime() + UPLOAD_MS) },
  });
  if (begun.count === 0) throw notReady(sid, 'The import already has its file, or it is being uploaded');
  const held = { sid, status: 'AWAITING_UPLOAD', holder: upload };
  const free = { holder: null, heldUntil: null };
  let rowCount = 0;
  try {
    let batch: MappingImportRow[] = [];
    const store = async () => {
      await prisma.mappingImportRow.createMany({ data: batch });
      batch = [];
    };
    for await (const row of rows) {
      rowCount += 1;
      const number = row.externalAddress.trim();
      const externalDigits = isPhoneNumber(number) ? comparedForm(number) : '';
      batch.push({
        ...row,
        ...{ organizationSid, importSid: sid, number: rowCount, upload, externalDigits, status: 'PENDING' },
        ...{ errorCode: null, errorMessage: null, errorField: null, mappingSid: null },
      });
      if (batch.length === BATCH) await store();
    }
    await store();
    const { count } = await prisma.mappingImport.updateMany({
      where: held,
      data: { ...free, status: 'CHECKING', upload, rowCount, errorCode: null, errorMessage: null, dateUpdated: new Date() },
    });
    if (count === 0) throw notReady(sid, 'The import already has its file');
  } catch (error) {
    await prisma.mappingImportRow.deleteMany({ where: { importSid: sid, upload } });
    const reason = error instanceof InvalidInputError && { errorCode: error.code, errorMessage: error.message, dateUpdated: new Date() };
    await prisma.mappingImport.updateMany({ where: held, data: { ...free, ...reason } });
    throw error;
  }
  gateway.hints.importReady?.();
  return rowCount;
}

/**
 * Runs an import that was checked, as the caller. Rows that failed are tried again; those that were created, or existed, are not.
 * @throws InvalidInputError; NotFoundError IMPORT_NOT_FOUND; ConflictError IMPORT_NOT_READY, IMPORT_HAS_INVALID_ROWS; NotOptedInError
 */
export async function runMappingImport(gateway: Gateway, caller: Caller, input: RunMappingImportInput): Promise<MappingImport> {
  const run = await idempotently(gateway, caller, 'runMappingImport', input, async (remember) => {
    const { sid = '', skipInvalid } = parseInput(runInput, input);
    if (!(await mayUse(gateway, caller, 'admin-import'))) throw new NotOptedInError('admin-import');
    return inTransaction(gateway.prisma, async (tx) => {
      await tx.$queryRaw`SELECT 1 FROM mapping_import WHERE sid = ${sid} FOR UPDATE`;
      const found = await tx.mappingImport.findUnique({ where: { sid, ...belonging(caller) } });
      if (!found) throw importNotFound(sid);
      const { status, upload } = found;
      if (!upload || !['CHECKED', 'COMPLETED', 'FAILED'].includes(status)) throw notReady(sid, `The import is ${status}`);
      const rows = { importSid: sid, upload };
      // The check of an import whose credentials ended is not complete.
      if ((await tx.mappingImportRow.count({ where: { ...rows, status: 'PENDING' } })) > 0)
        throw notReady(sid, 'The import is not checked');
      const invalid = await tx.mappingImportRow.count({ where: { ...rows, status: 'INVALID' } });
      if (invalid > 0 && !skipInvalid) {
        throw new ConflictError('IMPORT_HAS_INVALID_ROWS', `${invalid} rows are invalid`, { value: sid, path: ['sid'] });
      }
      await tx.mappingImportRow.updateMany({
        where: { ...rows, status: 'FAILED' },
        data: { status: 'VALID', errorCode: null, errorMessage: null, errorField: null },
      });
      const { requestId, remoteAddress } = caller;
      const running = await tx.mappingImport.update({
        where: { sid },
        data: {
          ...{ ...ownerColumns(caller), adminSid: caller.adminSid ?? null, accessTokenSid: caller.accessTokenSid ?? null },
          ...{ confinedTo: caller.enterpriseSid ?? null, credentialDigest: caller.credentialDigest ?? null, requestId, remoteAddress },
          ...{ status: 'RUNNING', errorCode: null, errorMessage: null, holder: null, heldUntil: null, dateUpdated: new Date() },
        },
      });
      await remember(tx, running);
      return running;
    });
  });
  gateway.hints.importReady?.();
  return run;
}

const notReady = (sid: string, message: string) => new ConflictError('IMPORT_NOT_READY', message, { value: sid, path: ['sid'] });

/** The condition on an import with this sid that the caller may see. */
export const importOf = (caller: Caller, sid: string) => ({ sid: normalizeSid(sid), ...belonging(caller) });

/** Finds an import in the caller's reach; `null` where there is none. */
export const findImport = ({ prisma }: Pick<Gateway, 'prisma'>, caller: Caller, sid: string): Promise<MappingImport | null> =>
  prisma.mappingImport.findUnique({ where: importOf(caller, sid) });

/** Lists the imports in the caller's reach, the newest first. */
export function listImports({ prisma }: Gateway, caller: Caller, first: number): Promise<MappingImport[]> {
  if (first < 0 || first > 100) throw invalidParameter(['first'], 'must be from 0 to 100', first);
  return prisma.mappingImport.findMany({ where: belonging(caller), orderBy: [{ dateCreated: 'desc' }, { sid: 'desc' }], take: first });
}

/** Lists rows of an import by their numbers. */
export function listImportRows(
  { prisma }: Gateway,
  { sid, upload }: MappingImport,
  { statuses, after, first }: { statuses?: readonly ImportRowStatus[] | null; after: number; first: number },
): Promise<MappingImportRow[]> {
  if (first < 0 || first > MAX_LISTED) throw invalidParameter(['first'], `must be from 0 to ${MAX_LISTED}`, first);
  return prisma.mappingImportRow.findMany({
    where: { importSid: sid, upload: upload ?? '', number: { gt: after }, ...(statuses && { status: { in: [...statuses] } }) },
    orderBy: { number: 'asc' },
    take: first,
  });
}

/** How many rows an import has in each status. */
type ImportCounts = Record<ImportRowStatus, number>;

/** An import whose rows have been counted, for all who follow it. */
export type CountedImport = MappingImport & { readonly counts: ImportCounts };

/** Counts the rows of an import by status, unless they have been. */
export async function countImportRows({ prisma }: Pick<Gateway, 'prisma'>, found: MappingImport | CountedImport): Promise<ImportCounts> {
  if ('counts' in found) return found.counts;
  const groups = await prisma.mappingImportRow.groupBy({
    by: ['status'],
    where: { importSid: found.sid, upload: found.upload ?? '' },
    _count: true,
  });
  const counts = new Map(groups.map(({ status, _count }) => [status, _count]));
  return allCounts((status) => counts.get(status));
}

/** Makes the counts of all statuses, of those that rows have. */
export const allCounts = (of: (status: ImportRowStatus) => number | undefined): ImportCounts =>
  Object.fromEntries(importRowStatuses.map((status) => [status, of(status) ?? 0])) as ImportCounts;

/** Whether an import was interrupted: the instance that worked on it has stopped, and none has taken it over yet. */
export const isInterrupted = ({ status, heldUntil }: MappingImport): boolean =>
  (status === 'CHECKING' || status === 'RUNNING') && heldUntil !== null && heldUntil < new Date();

/** Deletes imports that are older than 30 days, with their rows. */
export const purgeImports = (prisma: Gateway['prisma'], signal?: AbortSignal): Promise<number> =>
  deleteExpired(prisma, { table: 'mapping_import', column: 'date_created', batch: PURGED }, new Date(Date.now() - KEPT_MS), signal);
