import { randomUUID } from 'node:crypto';
import { type AuditLog, Prisma, type PrismaClient } from '../../prisma/client/client.ts';
import { countRows, selectRows, type Table } from '../database/lists/select.ts';
import type { Caller } from './caller.ts';
import type { Gateway } from './gateway.ts';
import type { CreatedRange } from './lists/filters.ts';
import { type PageArguments, readPage } from './lists/keyset.ts';
import type { Page } from './lists/pages.ts';
import { newSid, sought } from './sid.ts';
import type { Transaction } from './transaction.ts';

/** What is recorded of each mutation of the graph, and by it of each operation of the contract. */
export const mutationActions = {
  createEnterprise: 'enterprise.create',
  updateEnterprise: 'enterprise.update',
  closeEnterprise: 'enterprise.close',
  createMapping: 'mapping.create',
  updateMapping: 'mapping.update',
  deleteMapping: 'mapping.delete',
  createBot: 'bot.create',
  updateBot: 'bot.update',
  deleteBot: 'bot.delete',
  verifyBot: 'bot.verify',
  sendMessage: 'message.send',
  retryMessage: 'message.retry',
  createAccessToken: 'accessToken.create',
  revokeAccessToken: 'accessToken.revoke',
} as const;

/** Every action that is recorded: `<entity>.<what was done>`. */
export const auditActions = [
  ...Object.values(mutationActions),
  'bot.clientSecret.read',
  'account.create',
  'account.rotateToken',
  'account.suspend',
  'account.activate',
] as const;
export type AuditAction = (typeof auditActions)[number];

export interface AuditEntry {
  readonly action: AuditAction;
  readonly targetSid: string;
}

/** Who did it: a caller, or the operator at the command line, who has no account. */
export type Actor = Pick<Caller, 'organizationSid' | 'requestId' | 'remoteAddress' | 'adminSid' | 'accessTokenSid'> & {
  readonly accountSid?: string;
};

/** The operator, doing something to an organization. Each command has a request id of its own. */
export const operatorOn = (organizationSid: string): Actor => ({ organizationSid, requestId: randomUUID() });

/** One record, as it is stored. */
export function auditRecord(actor: Actor, { action, targetSid }: AuditEntry) {
  const { organizationSid, accountSid, adminSid, accessTokenSid, requestId, remoteAddress } = actor;
  return { sid: newSid('AU'), organizationSid, accountSid, adminSid, accessTokenSid, action, targetSid, requestId, remoteAddress };
}

/** Records what somebody did. Given a transaction, the record stands and falls with it. The database lets nobody change it. */
export async function appendAudit(client: Pick<Transaction, 'auditLog'>, actor: Actor, entries: readonly AuditEntry[]): Promise<void> {
  await client.auditLog.createMany({ data: entries.map((entry) => auditRecord(actor, entry)) });
}

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
