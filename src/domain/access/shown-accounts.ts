import type { Caller } from '../caller.ts';
import { accounts } from '../confinement.ts';
import type { Gateway } from '../gateway.ts';

/**
 * The condition on an account that is fetched by its sid: whom objects name that the caller reaches. Restricted credentials fetch the accounts that
 * created their enterprise or something in it, started one of its imports, registered one of its webhook endpoints, or that one of its messages names.
 * An account is still found after those messages were deleted.
 */
export async function accountShownTo({ prisma }: Pick<Gateway, 'prisma'>, caller: Caller, sid: string) {
  const { organizationSid, enterpriseSid, accountSid } = caller;
  if (enterpriseSid === undefined || sid === accountSid) return { sid, ...accounts(caller) };
  const [row] = await prisma.$queryRaw<{ isNamed: boolean }[]>`
    SELECT EXISTS (SELECT 1 FROM message_account
        WHERE organization_sid = ${organizationSid} AND enterprise_sid = ${enterpriseSid} AND account_sid = ${sid})
      OR EXISTS (SELECT 1 FROM mapping_import
        WHERE organization_sid = ${organizationSid} AND enterprise_sid = ${enterpriseSid} AND account_sid = ${sid})
      OR EXISTS (SELECT 1 FROM webhook_endpoint
        WHERE organization_sid = ${organizationSid} AND enterprise_sid = ${enterpriseSid} AND account_sid = ${sid}) AS "isNamed"`;
  return row?.isNamed ? { sid, organizationSid } : { sid, ...accounts(caller) };
}
