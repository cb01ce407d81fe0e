import type { Enterprise } from '../../../prisma/client/client.ts';
import type { Caller } from '../caller.ts';
import { enterprises } from '../confinement.ts';
import { ConflictError, enterpriseClosed, enterpriseNotFound } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import type { Transaction } from '../transaction.ts';

// ACTIVE ⇄ INACTIVE → CLOSED, which is final (teams-sms-api.txt, Business Customer Status). These guards hold the last part.

/** INACTIVE enterprises' mappings do not work, nor those of CLOSED ones. */
export const isOperational = (enterprise: Pick<Enterprise, 'status'>) => enterprise.status === 'ACTIVE';

/**
 * Locks an enterprise of the caller's organization until the transaction ends, against changes and new mappings alike.
 * @throws NotFoundError ENTERPRISE_NOT_FOUND, ConflictError ENTERPRISE_CLOSED
 */
export async function lockOpenEnterprise(tx: Transaction, caller: Caller, sid: string): Promise<Enterprise> {
  await tx.$queryRaw`SELECT 1 FROM enterprise WHERE sid = ${sid} AND organization_sid = ${caller.organizationSid} FOR UPDATE`;
  const enterprise = await tx.enterprise.findUnique({ where: { sid, ...enterprises(caller) } });
  if (!enterprise) throw enterpriseNotFound(sid);
  if (enterprise.status === 'CLOSED') throw enterpriseClosed(sid);
  return enterprise;
}

/**
 * Keeps an enterprise from being closed while this transaction gives it a mapping or a bot.
 * @throws NotFoundError ENTERPRISE_NOT_FOUND, ConflictError ENTERPRISE_CLOSED, both with the path `enterpriseSid`
 */
export async function holdOpenEnterprise(tx: Transaction, caller: Caller, sid: string): Promise<void> {
  await tx.$queryRaw`SELECT 1 FROM enterprise WHERE sid = ${sid} AND organization_sid = ${caller.organizationSid} FOR SHARE`;
  refuseClosed(await tx.enterprise.findUnique({ where: { sid, ...enterprises(caller) } }), sid);
}

/** As holdOpenEnterprise, outside a transaction: spares a platform what would be refused anyway. */
export async function requireOpenEnterprise({ prisma }: Gateway, caller: Caller, sid: string): Promise<void> {
  refuseClosed(await prisma.enterprise.findUnique({ where: { sid, ...enterprises(caller) } }), sid);
}

function refuseClosed(enterprise: { status: string } | null | undefined, sid: string): void {
  if (!enterprise) throw enterpriseNotFound(sid, ['enterpriseSid']);
  if (enterprise.status === 'CLOSED') throw enterpriseClosed(sid, ['enterpriseSid']);
}

/** @throws ConflictError ENTERPRISE_INACTIVE, ENTERPRISE_CLOSED: its mappings do not work */
export function requireActiveEnterprise({ sid, status }: Pick<Enterprise, 'sid' | 'status'>): void {
  if (status === 'CLOSED') throw enterpriseClosed(sid, ['mappingSid']);
  if (status === 'INACTIVE') throw new ConflictError('ENTERPRISE_INACTIVE', 'Enterprise is INACTIVE', { value: sid, path: ['mappingSid'] });
}
