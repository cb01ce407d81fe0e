import type { Caller } from '../caller.ts';
import { accounts } from '../confinement.ts';
import type { Gateway } from '../gateway.ts';

/** How many of an enterprise's newest messages are looked at: no index has their accounts, and one would make storing each message dearer. */
const NEWEST_MESSAGES = 10_000;

/**
 * The condition on an account that is fetched by its sid: whom objects name that the caller reaches. Restricted credentials fetch the accounts that
 * created their enterprise or something in it, started one of its imports, or sent one of its newest messages.
 */
export async function accountShownTo({ prisma }: Pick<Gateway, 'prisma'>, caller: Caller, sid: string) {
  const { organizationSid, enterpriseSid, accountSid } = caller;
  if (enterpriseSid === undefined || sid === accountSid) return { sid, ...accounts(caller) };
  const [row] = await prisma.$queryRaw<{ isNamed: boolean }[]>`
    SELECT EXISTS (SELECT 1 FROM mapping_import
        WHERE organization_sid = ${organizationSid} AND enterprise_sid = ${enterpriseSid} AND account_sid = ${sid})
      OR EXISTS (SELECT 1 FROM (SELECT account_sid FROM message WHERE organization_sid = ${organizationSid} AND enterprise_sid = ${enterpriseSid}
        ORDER BY date_created DESC LIMIT ${NEWEST_MESSAGES}) AS newest WHERE account_sid = ${sid}) AS "isNamed"`;
  return row?.isNamed ? { sid, organizationSid } : { sid, ...accounts(caller) };
}
