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
      const data = { messageRetentionDays: days, dateUpdated: new Date() };
      const { organizationSid } = caller;
      const target = { sid: typeof enterpriseSid === 'string' ? normalizeSid(enterpriseSid) : organizationSid };
      if (typeof enterpriseSid === 'string') {
        await lockOpenEnterprise(tx, caller, target.sid);
        await tx.enterprise.update({ where: { ...target, organizationSid }, data });
      } else await tx.organization.update({ where: { sid: organizationSid }, data });
      await remember(tx, target);
      return target;
    });
  });
}
