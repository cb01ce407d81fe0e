import { type MessageHoldReason, Prisma, type PrismaClient } from '../../prisma/client/client.ts';
import type { Gateway } from './gateway.ts';
import type { Transaction } from './transaction.ts';

// Messages whose cause of failure somebody can remove wait in the outbox, in order (docs/adr/0015). A lane of such messages is held: it is tried
// now and then, and at once when something happens that may be the cure.

/** What a cause affects. Its messages are alerted to once, and released together when one of them gets past it. */
type Scope = 'lane' | 'enterprise' | 'account' | 'gateway';

export const HOLDS: Readonly<Record<MessageHoldReason, { readonly scope: Scope; readonly description: string; readonly cure: string }>> = {
  BOT_MISSING: {
    scope: 'enterprise',
    description: 'The enterprise has no bot.',
    cure: 'Create a bot for the enterprise with `createBot`.',
  },
  BOT_CREDENTIALS: {
    scope: 'enterprise',
    description: "Microsoft does not accept the bot's credentials.",
    cure: 'Give the bot working credentials with `updateBot`, or enable its application in Microsoft Entra; `verifyBot` shows what Microsoft says.',
  },
  BOT_NOT_REGISTERED: {
    scope: 'enterprise',
    description: 'The Bot Framework does not know the bot.',
    cure: 'Register the application as an Azure bot with the channel Microsoft Teams.',
  },
  BOT_BLOCKED: {
    scope: 'enterprise',
    description: "The tenant's policies do not allow the bot for the user.",
    cure: "Allow the bot's app for the user in the Teams admin center.",
  },
  GRAPH_PERMISSION: {
    scope: 'enterprise',
    description: 'The application may not look up users in Microsoft Graph.',
    cure: "Grant the application the permission User.Read.All of Microsoft Graph, with an administrator's consent.",
  },
  SERVICE_URL: {
    scope: 'enterprise',
    description: "The gateway may not send the bot's token to the connector of the user's cloud.",
    cure: "Give the bot the cloud of its tenant with `updateBot` (`cloud`). In the cloud `COMMERCIAL`, the gateway's BOT_SERVICE_URL must be the connector's address, and BOT_SERVICE_HOSTS allow its host.",
  },
  APP_NOT_INSTALLED: {
    scope: 'lane',
    description: "The Teams user does not have the bot's app, or has blocked it, or, in 21Vianet's cloud, has not written to the bot.",
    cure: "Install the bot's app for the Teams user, or let the gateway do so: publish the bot's app package, and grant the application the permission TeamsAppInstallation.ReadWriteSelfForUser.All of Microsoft Graph. A user of 21Vianet's cloud who has the app writes to the bot once.",
  },
  USER_UNKNOWN: {
    scope: 'lane',
    description: "Microsoft does not know the user in the bot's tenant. After a day, the messages end as `FAILED`.",
    cure: "Correct the Microsoft address of the mapping, or add the user to the bot's tenant.",
  },
  ENTERPRISE_INACTIVE: {
    scope: 'enterprise',
    description: 'The enterprise is `INACTIVE`.',
    cure: 'Activate the enterprise with `updateEnterprise`.',
  },
  ACCOUNT_SUSPENDED: {
    scope: 'account',
    description: "The message's account is suspended.",
    cure: 'Activate the account.',
  },
  CARRIER_ACCOUNT: {
    scope: 'gateway',
    description: "The Restcomm platform does not accept the gateway's own account, or `RESTCOMM_URL` is not the address of its API.",
    cure: "Activate the gateway's account on the Restcomm platform, or set RESTCOMM_AUTH_TOKEN to its current token, or correct RESTCOMM_URL.",
  },
  RETRIES_EXHAUSTED: {
    scope: 'lane',
    description: 'The platform did not accept the message for about an hour. The conversation goes on without it.',
    cure: 'Call `retryMessage`.',
  },
};

/** Which held lanes to release: those that match all of what is given. */
interface HeldLanes {
  readonly reasons?: readonly MessageHoldReason[];
  readonly enterpriseSid?: string;
  /** The account of the lane's first message. */
  readonly accountSid?: string;
  /** The mapping of the lane's first message. */
  readonly mappingSid?: string;
  /** The Microsoft Entra object id of a Teams user of `enterpriseSid`. */
  readonly objectId?: string;
}

/** What a bot that was created or updated can cure. */
export const CURED_BY_BOT: readonly MessageHoldReason[] = [
  'BOT_MISSING',
  'BOT_CREDENTIALS',
  'BOT_NOT_REGISTERED',
  'BOT_BLOCKED',
  'GRAPH_PERMISSION',
  'SERVICE_URL',
  'APP_NOT_INSTALLED',
  'USER_UNKNOWN',
];
/** What an activity from a Teams user shows to be cured for that user. */
export const CURED_BY_ACTIVITY: readonly MessageHoldReason[] = ['APP_NOT_INSTALLED', 'BOT_BLOCKED', 'SERVICE_URL', 'USER_UNKNOWN'];

/**
 * Makes held lanes due now, after something that may be the cure. A lane stays held until one of its messages is delivered, so that a cure that
 * was none changes nothing.
 * @param tx commits the release together with the cure; call `hints.queued` afterwards
 * @returns how many lanes
 */
export function releaseLanes(tx: Transaction | PrismaClient, where: HeldLanes): Promise<number> {
  const { reasons, enterpriseSid, accountSid, mappingSid, objectId } = where;
  const conditions = [
    reasons && Prisma.sql`h.reason = ANY (${[...reasons]}::message_hold_reason[])`,
    enterpriseSid !== undefined && Prisma.sql`h.enterprise_sid = ${enterpriseSid}`,
    accountSid !== undefined && Prisma.sql`h.account_sid = ${accountSid}`,
    mappingSid !== undefined && Prisma.sql`h.mapping_sid = ${mappingSid}`,
    objectId !== undefined &&
      Prisma.sql`h.mapping_sid IN (SELECT sid FROM mapping WHERE microsoft_object_id = ${objectId} AND enterprise_sid = ${enterpriseSid})`,
  ].filter((condition) => condition !== undefined && condition !== false);
  return releaseWhere(tx, Prisma.join(conditions, ' AND '));
}

/** Makes these held lanes due now. */
export const releaseLanesNamed = (tx: Transaction, lanes: readonly string[]): Promise<number> =>
  releaseWhere(tx, Prisma.sql`h.lane = ANY (${[...lanes]}::text[])`);

/**
 * An attempt that is under way may not know of the cure yet: `released` makes it try once more at once. Lanes are locked in the order in which
 * accepting messages locks them, against deadlocks.
 */
async function releaseWhere(tx: Transaction | PrismaClient, condition: Prisma.Sql): Promise<number> {
  return tx.$executeRaw`
    WITH held AS (
      SELECT l.lane FROM outbox_lane l JOIN lane_hold h ON h.lane = l.lane WHERE ${condition} ORDER BY l.lane FOR UPDATE OF l
    ), released AS (
      UPDATE lane_hold SET released = true FROM held WHERE lane_hold.lane = held.lane
    )
    UPDATE outbox_lane SET due = CASE WHEN holder IS NULL OR due <= now() THEN now() ELSE due END FROM held WHERE outbox_lane.lane = held.lane`;
}

/**
 * Releases held lanes and wakes the dispatchers of all instances.
 * @returns how many lanes
 */
export async function releaseWaiting({ prisma, hints }: Pick<Gateway, 'prisma' | 'hints'>, where: HeldLanes): Promise<number> {
  const released = await releaseLanes(prisma, where);
  if (released > 0) hints.queued();
  return released;
}
