import { type AuditLog, Prisma, type PrismaClient } from '../../../prisma/client/client.ts';
import { countRows, selectRows, type Table } from '../../database/lists/select.ts';
import type { AuditAction } from '../audit.ts';
import type { Caller } from '../caller.ts';
import type { Gateway } from '../gateway.ts';
import type { CreatedRange } from '../lists/filters.ts';
import { type PageArguments, readPage } from '../lists/keyset.ts';
import type { Page } from '../lists/pages.ts';
import { sought } from '../sid.ts';

/** Which records. All conditions hold together; one that is absent always holds. */
export interface AuditFilter extends CreatedRange {
  readonly actions?: readonly AuditAction[] | null;
  readonly targetSid?: string | null;
  readonly accountSid?: string | null;
}

const AUDIT_LOG: Table<AuditLog> = { name: 'audit_log', fields: Object.values(Prisma.AuditLogScalarFieldEnum) };

/** One page of what was recorded in the caller's organization, the newest first. */
export function listAuditLog({ sql }: Gateway, caller: Caller, filter: AuditFilter, page: PageArguments = {}): Promise<Page<AuditLog>> {
  const { actions, targetSid, accountSid, createdFrom, createdTo } = filter;
  return readPage(
    caller,
    { name: 'auditLog', columns: { DATE_CREATED: 'occurredAt' } },
    {
      find: (range) => selectRows(sql, AUDIT_LOG, range),
      count: (matching) => countRows(sql, AUDIT_LOG, matching),
    },
    [
      { organizationSid: caller.organizationSid },
      actions ? { action: { in: [...actions] } } : {},
      targetSid ? { targetSid: sought(targetSid) } : {},
      accountSid ? { accountSid: sought(accountSid) } : {},
      { occurredAt: { gte: createdFrom ?? undefined, lte: createdTo ?? undefined } },
    ],
    { field: 'DATE_CREATED', direction: 'DESC' },
    page,
  );
}

/** How many records are deleted at once, as of events. */
const TRIMMED_AT_ONCE = 5000;

/**
 * Deletes what is older than `retentionMs`, which the database refuses for what is younger than 30 days.
 * @returns how many were deleted
 */
export async function trimAuditLog(prisma: PrismaClient, retentionMs: number, signal?: AbortSignal): Promise<number> {
  let deleted = 0;
  for (let count = TRIMMED_AT_ONCE; count >= TRIMMED_AT_ONCE && !signal?.aborted; deleted += count) {
    const [trimmed] = await prisma.$queryRaw<{ count: number }[]>`
      SELECT trim_audit_log(${retentionMs} * interval '1 millisecond', ${TRIMMED_AT_ONCE}::integer) AS count`;
    count = trimmed?.count ?? 0;
  }
  return deleted;
}
