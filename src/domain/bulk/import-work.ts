import type { MappingImport, MappingImportRow } from '../../../prisma/client/client.ts';
import type { Caller } from '../caller.ts';
import { ConflictError, DomainError, PlatformError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { checkNewMappings, createMapping, createMappings } from '../mappings/new-mappings.ts';
import type { Transaction } from '../transaction.ts';
import { fold } from '../values/text.ts';
import type { ImportRowStatus } from './imports.ts';
import { callerOf, isStillValid } from './links.ts';

/** How many rows are checked or created together. */
const BATCH = 100;
/** How long an instance's claim on an import lasts without being renewed, in ms. */
export const CLAIM_MS = 30_000;

interface ImportWork {
  /** This instance. */
  readonly holder: string;
  /** Runs what asks a platform for a row when the organization's turn comes. */
  readonly inTurn: <Result>(work: () => Promise<Result>, organizationSid: string) => Promise<Result>;
  readonly signal: AbortSignal;
}

/** Finds the imports that nobody works on, though there is something to do. */
export function findImportsToDo({ prisma }: Pick<Gateway, 'prisma'>): Promise<Pick<MappingImport, 'sid'>[]> {
  return prisma.mappingImport.findMany({
    where: { status: { in: ['CHECKING', 'RUNNING'] }, OR: [{ heldUntil: null }, { heldUntil: { lt: new Date() } }] },
    orderBy: { dateUpdated: 'asc' },
    select: { sid: true },
    take: 100,
  });
}

/**
 * Checks or runs an import to its end, a batch of rows after the other, as `createMapping` would each. If it is interrupted, the instance that claims it
 * next continues with the rows that are left; a row that was created already is found to exist.
 */
export async function workOnImport(gateway: Gateway, sid: string, { holder, inTurn, signal }: ImportWork): Promise<void> {
  const { prisma } = gateway;
  const claim = async (isFirst: boolean) => {
    const now = new Date();
    const others = isFirst ? { OR: [{ heldUntil: null }, { heldUntil: { lt: now } }] } : { holder };
    const { count } = await prisma.mappingImport.updateMany({
      where: { sid, status: { in: ['CHECKING', 'RUNNING'] }, ...others },
      data: { holder, heldUntil: new Date(now.getTime() + CLAIM_MS) },
    });
    return count > 0;
  };
  if (!(await claim(true))) return;
  const renewing = setInterval(() => void claim(false).catch(() => {}), CLAIM_MS / 3).unref();
  try {
    while (!signal.aborted && (await claim(false))) {
      const row = await prisma.mappingImport.findUniqueOrThrow({ where: { sid } });
      if (!(await workOnBatch(gateway, row, inTurn, signal))) return;
    }
    // It stops: another instance may go on at once.
    await prisma.mappingImport.updateMany({ where: { sid, holder }, data: { heldUntil: null } });
  } finally {
    clearInterval(renewing);
  }
}

/** @returns whether there may be more to do */
async function workOnBatch(gateway: Gateway, found: MappingImport, inTurn: ImportWork['inTurn'], signal: AbortSignal): Promise<boolean> {
  const { prisma } = gateway;
  const { sid, upload, status, requestId, remoteAddress, organizationSid } = found;
  const end = async (data: { status: string; errorCode?: string; errorMessage?: string }) => {
    await prisma.mappingImport.updateMany({
      where: { sid, status, holder: found.holder },
      data: { ...data, holder: null, heldUntil: null, dateUpdated: new Date() },
    });
    return false;
  };
  const caller = callerOf(found, { requestId, remoteAddress: remoteAddress ?? undefined });
  if (!(await isStillValid(prisma, caller))) {
    return end({
      status: 'FAILED',
      errorCode: 'UNAUTHENTICATED',
      errorMessage: 'The credentials that started the import have ended; run it again',
    });
  }
  const isCheck = status === 'CHECKING';
  const rows = await prisma.mappingImportRow.findMany({
    where: { importSid: sid, upload: upload ?? '', status: isCheck ? 'PENDING' : 'VALID' },
    orderBy: { number: 'asc' },
    take: BATCH,
  });
  if (rows.length === 0) return end({ status: isCheck ? 'CHECKED' : 'COMPLETED' });
  // Its turn has come after the instance began to stop: the next one does it.
  const turn = <Result>(work: () => Promise<Result>) =>
    inTurn(() => (signal.aborted ? Promise.reject(new StoppedError()) : work()), organizationSid);
  await (isCheck ? checkRows : runRows)({ gateway, caller, found, turn }, rows);
  return true;
}

/** The instance stops: a row stays as it is. */
class StoppedError extends Error {}

interface BatchWork {
  readonly gateway: Gateway;
  readonly caller: Caller;
  readonly found: MappingImport;
  readonly turn: <Result>(work: () => Promise<Result>) => Promise<Result>;
}

async function checkRows({ gateway, caller, found, turn }: BatchWork, rows: readonly MappingImportRow[]): Promise<void> {
  const existing = await existingMappings(gateway, found, rows);
  const firsts = await firstsWithNumbers(gateway, rows);
  const outcomes = new Map<MappingImportRow, RowOutcome>();
  for (const row of rows) {
    const mappingSid = existing.get(row.number);
    const first = firsts.get(row.externalDigits) ?? row.number;
    if (mappingSid) outcomes.set(row, { status: 'EXISTING', mappingSid });
    else if (first < row.number) {
      const reason = new ConflictError('EXTERNAL_ADDRESS_NOT_UNIQUE', `Row ${first} has the same number`, { path: ['externalAddress'] });
      outcomes.set(row, failure('INVALID', reason));
    }
  }
  const others = rows.filter((row) => !outcomes.has(row));
  const checked = await checkNewMappings(gateway, caller, others.map(inputOf(found)), turn);
  const errors = outcomesOf(others, checked, outcomes, () => ({ status: 'VALID' }));
  await writeOutcomes(gateway.prisma, outcomes);
  throwFirst(errors);
}

async function runRows(work: BatchWork, rows: readonly MappingImportRow[]): Promise<void> {
  const { gateway, caller, found, turn } = work;
  const existing = await existingMappings(gateway, found, rows);
  const outcomes = new Map<MappingImportRow, RowOutcome>();
  for (const row of rows) {
    const mappingSid = existing.get(row.number);
    if (mappingSid) outcomes.set(row, { status: 'EXISTING', mappingSid });
  }
  const others = rows.filter((row) => !outcomes.has(row));
  const created = await createMappings(gateway, caller, others.map(inputOf(found)), {
    inTurn: turn,
    // With the mappings, so that none is created without its outcome.
    record: (tx, sids) =>
      writeOutcomes(tx, new Map([...sids].map(([at, mappingSid]) => [others[at] as MappingImportRow, { status: 'CREATED', mappingSid }]))),
  }).catch((error) => {
    gateway.log.info({ err: error, importSid: found.sid }, 'rows of an import could not be created together; they are created one by one');
  });
  if (!created) await Promise.all(others.map((row) => turn(() => runRow(work, row)).catch(unlessStopped)));
  const errors = created ? outcomesOf(others, created, outcomes) : [];
  await writeOutcomes(gateway.prisma, outcomes);
  throwFirst(errors);
}

/** Creates a row alone, where one of its batch could not be. */
async function runRow({ gateway, caller, found }: BatchWork, row: MappingImportRow): Promise<void> {
  const outcome = await createMapping(gateway, caller, inputOf(found)(row)).then(
    ({ sid }): RowOutcome => ({ status: 'CREATED', mappingSid: sid }),
    async (error) => {
      // Another instance was faster.
      const mappingSid = (await existingMappings(gateway, found, [row])).get(row.number);
      return mappingSid ? ({ status: 'EXISTING', mappingSid } as const) : failure('FAILED', error);
    },
  );
  await writeOutcomes(gateway.prisma, new Map([[row, outcome]]));
}

/** What became of a row. */
interface RowOutcome {
  readonly status: ImportRowStatus;
  readonly errorCode?: string;
  readonly errorMessage?: string;
  readonly errorField?: string;
  readonly mappingSid?: string;
}

/**
 * Adds the outcomes of rows.
 * @param succeeded makes the outcome of a success; absent where it has been written already
 * @returns what is no expected error: the row stays as it is
 */
function outcomesOf(
  rows: readonly MappingImportRow[],
  results: readonly PromiseSettledResult<unknown>[],
  outcomes: Map<MappingImportRow, RowOutcome>,
  succeeded?: () => RowOutcome,
): unknown[] {
  const errors: unknown[] = [];
  for (const [at, result] of results.entries()) {
    const row = rows[at] as MappingImportRow;
    if (result.status === 'fulfilled') {
      if (succeeded) outcomes.set(row, succeeded());
    } else if (result.reason instanceof DomainError) {
      // An outage or a throttled request says nothing about the row: running the import tries it again.
      outcomes.set(row, failure(!succeeded || result.reason instanceof PlatformError ? 'FAILED' : 'INVALID', result.reason));
    } else if (!(result.reason instanceof StoppedError)) errors.push(result.reason);
  }
  return errors;
}

function throwFirst(errors: readonly unknown[]): void {
  if (errors.length > 0) throw errors[0];
}

function unlessStopped(error: unknown): void {
  if (!(error instanceof StoppedError)) throw error;
}

const inputOf =
  ({ enterpriseSid }: MappingImport) =>
  ({ name, microsoftAddress, externalAddress }: MappingImportRow) => ({ enterpriseSid, name, microsoftAddress, externalAddress });

/** Finds the mappings that rows would create, if they exist: the number is mapped to this user of this enterprise. @returns sids by the rows' numbers */
async function existingMappings(
  { prisma }: Pick<Gateway, 'prisma'>,
  { enterpriseSid }: MappingImport,
  rows: readonly MappingImportRow[],
): Promise<ReadonlyMap<number, string>> {
  const found = await prisma.mapping.findMany({
    where: { externalDigits: { in: rows.flatMap(({ externalDigits }) => externalDigits || []) }, enterpriseSid },
    select: { sid: true, externalDigits: true, microsoftAddressFolded: true },
  });
  const keyOf = (digits: string, address: string) => `${digits} ${address}`;
  const sids = new Map(found.map((mapping) => [keyOf(mapping.externalDigits, mapping.microsoftAddressFolded), mapping.sid]));
  return new Map(
    rows.flatMap(({ number, externalDigits, microsoftAddress }) => {
      const sid = sids.get(keyOf(externalDigits, fold(microsoftAddress.trim())));
      return sid ? [[number, sid] as const] : [];
    }),
  );
}

/** Finds the first rows of the file that have the phone numbers of these. @returns the rows' numbers by the phone numbers */
async function firstsWithNumbers(
  { prisma }: Pick<Gateway, 'prisma'>,
  rows: readonly MappingImportRow[],
): Promise<ReadonlyMap<string, number>> {
  const [one] = rows;
  const groups = await prisma.mappingImportRow.groupBy({
    by: ['externalDigits'],
    where: {
      importSid: one?.importSid,
      upload: one?.upload,
      externalDigits: { in: rows.flatMap(({ externalDigits }) => externalDigits || []) },
    },
    _min: { number: true },
  });
  return new Map(groups.flatMap(({ externalDigits, _min: { number } }) => (number === null ? [] : [[externalDigits, number] as const])));
}

/** Stores what became of rows, by one statement. */
async function writeOutcomes(client: Pick<Transaction, '$executeRaw'>, outcomes: ReadonlyMap<MappingImportRow, RowOutcome>): Promise<void> {
  const [[first] = []] = outcomes;
  if (!first) return;
  const column = (of: (outcome: RowOutcome) => string | undefined) => [...outcomes.values()].map((outcome) => of(outcome) ?? null);
  await client.$executeRaw`
    UPDATE mapping_import_row AS r SET status = o.status, error_code = o.code, error_message = o.message, error_field = o.field, mapping_sid = o.mapping
    FROM unnest(${[...outcomes.keys()].map(({ number }) => number)}::integer[], ${column(({ status }) => status)}::text[],
      ${column(({ errorCode }) => errorCode)}::text[], ${column(({ errorMessage }) => errorMessage)}::text[],
      ${column(({ errorField }) => errorField)}::text[], ${column(({ mappingSid }) => mappingSid)}::text[])
      AS o (number, status, code, message, field, mapping)
    WHERE r.organization_sid = ${first.organizationSid} AND r.import_sid = ${first.importSid} AND r.upload = ${first.upload} AND r.number = o.number
      AND r.status = ${first.status}`;
}

/** @throws what is no expected error: the row stays as it is */
function failure(status: 'INVALID' | 'FAILED', error: unknown): RowOutcome {
  if (!(error instanceof DomainError)) throw error;
  return { status, errorCode: error.code, errorMessage: error.message, errorField: error.parameter?.join('.') };
}
