import { decodeJwt } from 'jose';
import type { Bot } from '../../../prisma/client/client.ts';
import type { Cloud } from '../../platforms/microsoft/clouds.ts';
import type { Gateway } from '../gateway.ts';
import { applicationIdUri } from '../values/application-id-uri.ts';

// Users that Microsoft Entra has identified to a bot's application, by a token for the tab of its app.

/** The longest token that is accepted, in characters. Real ones have about 2,000. */
export const MAX_TOKEN_LENGTH = 16_384;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A user of an app that one or several enterprises' bots share. Tenant and object id are in lower case, and never change. */
interface BotUser {
  readonly tenantId: string;
  readonly objectId: string;
  /** The enterprises whose bots have the application and the tenant, in the cloud that issued the token. */
  readonly enterpriseSids: readonly string[];
  /** When the token expires. */
  readonly expires: Date;
}

/**
 * Verifies a token that Entra has issued to Teams for a user of a bot's app. Fetches Entra's keys only for the tenants of bots.
 * @returns `EXPIRED` for a token that was valid; `undefined` for one that is not genuine, or not for a bot of the gateway
 * @throws PlatformError if the keys cannot be fetched
 */
export async function identifyUser(
  { prisma, microsoft, publicUrl }: Pick<Gateway, 'prisma' | 'microsoft' | 'publicUrl'>,
  token: string,
): Promise<BotUser | 'EXPIRED' | undefined> {
  const claimed = claimedAudienceOf(token);
  if (!claimed) return undefined;
  const { applicationId, tenantId } = claimed;
  // Uses the index bot_by_application.
  const bots = await prisma.$queryRaw<Pick<Bot, 'enterpriseSid' | 'cloud'>[]>`
    SELECT enterprise_sid AS "enterpriseSid", cloud FROM bot
    WHERE lower(application_id) = ${applicationId} AND lower(coalesce(tenant_guid, tenant_id)) = ${tenantId} ORDER BY date_created, sid`;
  const audiences = [applicationId, applicationIdUri(publicUrl, applicationId)];
  // Anybody can make a bot of an application and its tenant, in a cloud where they are not: that one's users are nobody, and the others' are who they are.
  const clouds = [...new Set(bots.map(({ cloud }) => cloud as Cloud))];
  const outcomes = await Promise.allSettled(clouds.map((cloud) => microsoft.verifyUserToken({ tenantId, cloud, audiences }, token)));
  const users = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : undefined));
  const user = users.find((found) => typeof found === 'object');
  if (user) {
    const own = bots.filter(({ cloud }) => typeof users[clouds.indexOf(cloud as Cloud)] === 'object');
    return { ...user, tenantId, enterpriseSids: own.map(({ enterpriseSid }) => enterpriseSid) };
  }
  if (users.includes('EXPIRED')) return 'EXPIRED';
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return undefined;
}

/**
 * Reads the application and tenant that a token claims to be for, in lower case. Nothing is verified yet.
 * @returns `undefined` if it cannot be a token of Entra for an application with an id
 */
function claimedAudienceOf(token: string): { readonly applicationId: string; readonly tenantId: string } | undefined {
  if (token.length > MAX_TOKEN_LENGTH) return undefined;
  try {
    const { aud, tid } = decodeJwt<{ tid?: unknown }>(token);
    const applicationId = typeof aud === 'string' ? aud.slice(-36).toLowerCase() : '';
    const tenantId = typeof tid === 'string' ? tid.toLowerCase() : '';
    return GUID.test(applicationId) && GUID.test(tenantId) ? { applicationId, tenantId } : undefined;
  } catch {
    return undefined;
  }
}
