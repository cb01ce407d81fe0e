import type { Enterprise } from '../../../prisma/client/client.ts';
import type { Caller } from '../caller.ts';
import { enterprises } from '../confinement.ts';
import { ConflictError, enterpriseClosed, enterpriseNotFound } from '../errors.ts';
import type { Gateway } from '../gateway.ts';
import type { Transaction } from '../transaction.ts';

// An enterprise is ACTIVE ⇄ INACTIVE → CLOSED, which is final (teams-sms-api.txt, Business Customer Status). These guards enforce that.

/** Whether the enterprise's mappings send and receive: not while it is INACTIVE, or CLOSED. */
export const isOperational = (enterprise: Pick<Enterprise, 'status'>) => enterprise.status === 'ACTIVE';

/**
 * Locks an enterprise until the transaction ends, against changes and new mappings and bots.
 * @returns the enterprise as it is under the lock
 * @throws NotFoundError ENTERPRISE_NOT_FOUND (4051); ConflictError ENTERPRISE_CLOSED (4053)
 */
export async function lockOpenEnterprise(tx: Transaction, caller: Caller, sid: string): Promise<Enterprise> {
  await tx.$queryRaw`SELECT 1 FROM enterprise WHERE sid = ${sid} AND organization_sid = ${caller.organizationSid} FOR UPDATE`;
  const enterprise = await tx.enterprise.findUnique({ where: { sid, ...enterprises(caller) } });
  if (!enterprise) throw enterpriseNotFound(sid);
  if (enterprise.status === 'CLOSED') throw enterpriseClosed(sid);
  return enterprise;
}

/**
 * Keeps an enterprise from being closed until the transaction ends, which gives it a mapping or a bot.
 * @throws NotFoundError ENTERPRISE_NOT_FOUND (4051); ConflictError ENTERPRISE_CLOSED (4053); both with the path `enterpriseSid`
 */
export async function holdOpenEnterprise(tx: Transaction, caller: Caller, sid: string): Promise<void> {
  await tx.$queryRaw`SELECT 1 FROM enterprise WHERE sid = ${sid} AND organization_sid = ${caller.organizationSid} FOR SHARE`;
  refuseClosed(await tx.enterprise.findUnique({ where: { sid, ...enterprises(caller) } }), sid);
}

/**
 * Checks the same as holdOpenEnterprise outside a transaction, before a platform is asked for something that would be refused anyway.
 * @throws as holdOpenEnterprise
 */
export async function requireOpenEnterprise({ prisma }: Gateway, caller: Caller, sid: string): Promise<void> {
  refuseClosed(await prisma.enterprise.findUnique({ where: { sid, ...enterprises(caller) } }), sid);
}

function refuseClosed(enterprise: { status: string } | null | undefined, sid: string): void {
  if (!enterprise) throw enterpriseNotFound(sid, ['enterpriseSid']);
  if (enterprise.status === 'CLOSED') throw enterpriseClosed(sid, ['enterpriseSid']);
}

/**
 * Refuses to send for an enterprise that is not ACTIVE.
 * @throws ConflictError ENTERPRISE_INACTIVE, ENTERPRISE_CLOSED (4053)
 */
export function requireActiveEnterprise({ sid, status }: Pick<Enterprise, 'sid' | 'status'>): void {
  if (status === 'CLOSED') throw enterpriseClosed(sid, ['mappingSid']);
  if (status === 'INACTIVE') throw new ConflictError('ENTERPRISE_INACTIVE', 'Enterprise is INACTIVE', { value: sid, path: ['mappingSid'] });
}
