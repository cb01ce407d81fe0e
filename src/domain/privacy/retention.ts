import * as z from 'zod';
import type { Caller } from '../caller.ts';
import { lockOpenEnterprise } from '../enterprises/enterprise-state.ts';
import type { Gateway } from '../gateway.ts';
import { idempotently } from '../idempotency.ts';
import { type Keyed, parseInput } from '../input.ts';
import { inTransaction } from '../transaction.ts';
import { normalizeSid } from '../values/sid.ts';

export const MAX_RETENTION_DAYS = 36_500;
const input = z.object({
  enterpriseSid: z.string().nullish(),
  days: z
    .number()
    .refine((days) => days >= 1 && days <= MAX_RETENTION_DAYS, `must be from 1 to ${MAX_RETENTION_DAYS}`)
    .nullish(),
});
type SetMessageRetentionInput = z.input<typeof input> & Keyed;

/**
 * Sets how long the messages of the caller's organization, or of one enterprise, are kept; without days, the organization's or the setting's holds.
 * @throws InvalidInputError; NotFoundError ENTERPRISE_NOT_FOUND; ConflictError ENTERPRISE_CLOSED
 */
export function setMessageRetention(gateway: Gateway, caller: Caller, given: SetMessageRetentionInput): Promise<{ sid: string }> {
  return idempotently(gateway, caller, 'setMessageRetention', given, async (remember) => {
    const { enterpriseSid, days = null } = parseInput(input, given);
    return inTransaction(gateway.prisma, async (tx) => {
      const { organizationSid } = caller;
      const target = { sid: typeof enterpriseSid === 'string' ? normalizeSid(enterpriseSid) : organizationSid };
      if (typeof enterpriseSid === 'string') {
        await lockOpenEnterprise(tx, caller, target.sid);
      } else await tx.$queryRaw`SELECT 1 FROM organization WHERE sid = ${organizationSid} FOR NO KEY UPDATE`;
      // One that does not change anything is not a change.
      const where = { OR: [{ messageRetentionDays: { not: days } }, ...(days === null ? [] : [{ messageRetentionDays: null }])] };
      const data = { messageRetentionDays: days, dateUpdated: new Date() };
      const { count } =
        typeof enterpriseSid === 'string'
          ? await tx.enterprise.updateMany({ where: { ...target, organizationSid, ...where }, data })
          : await tx.organization.updateMany({ where: { sid: organizationSid, ...where }, data });
      await remember(tx, target, { changed: count > 0 });
      return target;
    });
  });
}
