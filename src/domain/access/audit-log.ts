import { type AuditLog, Prisma, type PrismaClient } from '../../../prisma/client/client.ts';
import { listsOf } from '../../database/lists/reads.ts';
import { countWithin, selectRows } from '../../database/lists/select.ts';
import type { Table } from '../../database/lists/table.ts';
import type { AuditAction } from '../audit.ts';
import type { Caller } from '../caller.ts';
import type { Gateway } from '../gateway.ts';
import type { CreatedRange } from '../lists/filters.ts';
import { type Order, type PageArguments, readPage } from '../lists/keyset.ts';
import type { Page } from '../lists/pages.ts';
import { normalizeSid } from '../values/sid.ts';

/** Conditions on audit records, which must all hold; an absent one always holds. */
interface AuditFilter extends CreatedRange {
  readonly actions?: readonly AuditAction[] | null;
  readonly targetSid?: string | null;
  readonly accountSid?: string | null;
}

const AUDIT_LOG: Table<AuditLog> = {
  name: 'audit_log',
  fields: Object.values(Prisma.AuditLogScalarFieldEnum),
  owner: 'organizationSid',
  indexes: [
    { by: 'targetSid', order: 'occurredAt' },
    { order: 'occurredAt', isDense: true },
  ],
};

/** Reads one page of the audit records of the caller's organization. The newest first by default. */
export function listAuditLog(
  { sql }: Gateway,
  caller: Caller,
  filter: AuditFilter,
  order: Order<'DATE_CREATED'> = { field: 'DATE_CREATED', direction: 'DESC' },
  page: PageArguments = {},
): Promise<Page<AuditLog>> {
  const { actions, targetSid, accountSid, createdFrom, createdTo } = filter;
  const lists = listsOf(sql);
  return readPage(
    caller,
    { name: 'auditLog', columns: { DATE_CREATED: 'occurredAt' } },
    {
      find: (range) => selectRows(lists, AUDIT_LOG, range),
      count: (where) => countWithin(lists, AUDIT_LOG, where),
    },
    [
      { organizationSid: caller.organizationSid },
      actions ? { action: { in: [...actions] } } : {},
      targetSid ? { targetSid: normalizeSid(targetSid) } : {},
      accountSid ? { accountSid: normalizeSid(accountSid) } : {},
      { occurredAt: { gte: createdFrom ?? undefined, lte: createdTo ?? undefined } },
    ],
    order,
    page,
  );
}

/** The condition on a record with this sid that the caller may read: none without the permission, or with credentials restricted to an enterprise. */
export const auditedBy = ({ organizationSid, enterpriseSid, permissions }: Caller, sid: string) => ({
  sid,
  organizationSid,
  ...(permissions.has('audit') && !enterpriseSid ? {} : { AND: [{ sid: '' }] }),
});

/** How many records a statement deletes: a longer one would hold back the database's vacuum. */
const TRIM_BATCH = 2000;

/**
 * Deletes the records that are older than `retentionMs`, in all organizations. The database itself refuses to delete those younger than 30 days.
 * @returns how many were deleted
 */
export async function trimAuditLog(prisma: PrismaClient, retentionMs: number, signal?: AbortSignal): Promise<number> {
  let deleted = 0;
  // Each batch begins where the last one ended: what has just been deleted stays in the index for a while, and is not read again.
  for (let from: Date | null = new Date(0); from && !signal?.aborted; ) {
    const trimmed: { count: number; last: Date | null }[] = await prisma.$queryRaw`
      SELECT count, last FROM trim_audit_log(${retentionMs} * interval '1 millisecond', ${TRIM_BATCH}::integer, ${from})`;
    const [{ count, last } = { count: 0, last: null }] = trimmed;
    deleted += count;
    from = count < TRIM_BATCH ? null : last;
  }
  return deleted;
}
