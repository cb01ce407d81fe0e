import type { MappingImport, MappingImportRow } from '../../../prisma/client/client.ts';
import type { Caller } from '../caller.ts';
import { checkNewMapping, createMapping } from '../enterprises/mapping-changes.ts';
import { ConflictError, DomainError, PlatformError } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import { fold } from '../text.ts';
import type { ImportRowStatus } from './imports.ts';
import { callerOf, isStillValid } from './links.ts';

/** How many rows are read at once. */
const BATCH = 40;
/** How long an instance's claim on an import lasts without being renewed, in ms. */
export const CLAIM_MS = 30_000;

interface ImportWork {
  /** This instance. */
  readonly holder: string;
  /** Runs the work of a row when the organization's turn comes. */
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
 * Checks or runs an import to its end, a row after the other, by what `createMapping` does for one. If it is interrupted, the instance that claims it next
 * continues with the rows that are left; a row that was created already is found to exist.
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
  const work = isCheck ? checkRow : runRow;
  await Promise.all(
    rows.map((row) =>
      inTurn(async () => {
        // Its turn has come after the instance began to stop: the next one does it.
        if (signal.aborted) return;
        const outcome = await work(gateway, caller, found, row);
        await prisma.mappingImportRow.updateMany({
          where: { importSid: sid, upload: row.upload, number: row.number, status: row.status },
          data: outcome,
        });
      }, organizationSid),
    ),
  );
  return true;
}

/** What became of a row. */
interface RowOutcome {
  readonly status: ImportRowStatus;
  readonly errorCode?: string;
  readonly errorMessage?: string;
  readonly errorField?: string;
  readonly mappingSid?: string;
}

async function checkRow(gateway: Gateway, caller: Caller, { enterpriseSid }: MappingImport, row: MappingImportRow): Promise<RowOutcome> {
  const mappingSid = await existingMapping(gateway, enterpriseSid, row);
  if (mappingSid) return { status: 'EXISTING', mappingSid };
  try {
    const earlier =
      row.externalDigits &&
      (await gateway.prisma.mappingImportRow.findFirst({
        where: { importSid: row.importSid, upload: row.upload, externalDigits: row.externalDigits, number: { lt: row.number } },
        orderBy: { number: 'asc' },
        select: { number: true },
      }));
    if (earlier) {
      throw new ConflictError('EXTERNAL_ADDRESS_NOT_UNIQUE', `Row ${earlier.number} has the same number`, { path: ['externalAddress'] });
    }
    await checkNewMapping(gateway, caller, inputOf(enterpriseSid, row));
    return { status: 'VALID' };
  } catch (error) {
    // An outage or a throttled request says nothing about the row: running the import tries it again.
    return failure(error instanceof PlatformError ? 'FAILED' : 'INVALID', error);
  }
}

async function runRow(gateway: Gateway, caller: Caller, { enterpriseSid }: MappingImport, row: MappingImportRow): Promise<RowOutcome> {
  const before = await existingMapping(gateway, enterpriseSid, row);
  if (before) return { status: 'EXISTING', mappingSid: before };
  try {
    const { sid } = await createMapping(gateway, caller, inputOf(enterpriseSid, row));
    return { status: 'CREATED', mappingSid: sid };
  } catch (error) {
    // Another instance was faster.
    const mappingSid = await existingMapping(gateway, enterpriseSid, row);
    return mappingSid ? { status: 'EXISTING', mappingSid } : failure('FAILED', error);
  }
}

const inputOf = (enterpriseSid: string, { name, microsoftAddress, externalAddress }: MappingImportRow) => ({
  ...{ enterpriseSid, name, microsoftAddress, externalAddress },
});

/** Finds the mapping that a row would create, if it exists: the number is mapped to this user of this enterprise. */
async function existingMapping({ prisma }: Gateway, enterpriseSid: string, row: MappingImportRow): Promise<string | undefined> {
  if (!row.externalDigits) return undefined;
  const found = await prisma.mapping.findFirst({
    where: { externalDigits: row.externalDigits, enterpriseSid, microsoftAddressFolded: fold(row.microsoftAddress.trim()) },
    select: { sid: true },
  });
  return found?.sid;
}

/** @throws what is no expected error: the row stays as it is */
function failure(status: 'INVALID' | 'FAILED', error: unknown): RowOutcome {
  if (!(error instanceof DomainError)) throw error;
  return { status, errorCode: error.code, errorMessage: error.message, errorField: error.parameter?.join('.') };
}
