import { PlatformError } from '../../domain/errors.ts';
import { CurableError, DeliveryError } from '../delivery-error.ts';
import { type Fetch, request } from '../request.ts';
import { type BotCheck, type BotCredentials, botFaults } from './microsoft.ts';
import { isLoopback } from './service-hosts.ts';
import { isTenantDomain } from './tenant-ids.ts';

/** Runs one check. @param check returns what there is to say; unless it says otherwise, or rejects, the check has passed */
export async function runCheck(step: BotCheck['step'], check: () => Promise<Partial<BotCheck> | undefined>): Promise<BotCheck> {
  try {
    return { step, passed: true, ...(await check()) };
  } catch (error) {
    const cause = error instanceof PlatformError ? error.cause : error;
    const reason = cause instanceof CurableError ? botFaults.find((fault) => fault === cause.reason) : undefined;
    return {
      ...{ step, passed: false, message: error instanceof Error ? error.message : String(error) },
      ...(cause instanceof DeliveryError && { code: cause.code }),
      ...(reason && { reason }),
    };
  }
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Checks the form of a bot's ids: GUIDs; a tenant may be named by a domain. */
export const checkIds = ({ applicationId, tenantId }: BotCredentials): Promise<BotCheck> =>
  runCheck('IDS', async () => {
    if (!GUID.test(applicationId)) throw new Error(`The application id ${applicationId} is not a GUID.`);
    if (!GUID.test(tenantId) && !isTenantDomain(tenantId)) throw new Error(`The tenant id ${tenantId} is neither a GUID nor a domain.`);
    return undefined;
  });

/**
 * Asks a messaging endpoint as the Bot Framework would, but without a token: it must refuse that with 403, and take nothing but POST. This shows that the
 * address leads to a gateway, seen from here. Azure bots have https endpoints only.
 * https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
 */
export function checkEndpoint(fetch: Fetch, url: string, timeoutMs: number): Promise<BotCheck> {
  return runCheck('ENDPOINT', async () => {
    const { protocol, hostname } = new URL(url);
    if (protocol !== 'https:' && !isLoopback(hostname))
      throw new DeliveryError('retry', 'EndpointNotHttps', `${url} is not https, which Microsoft requires.`);
    const body = JSON.stringify({ type: 'event', serviceUrl: url, channelId: 'msteams', conversation: { id: 'verify-bot' } });
    const posted = await request(fetch, url, { method: 'POST', headers: { 'content-type': 'application/json' }, body, timeoutMs });
    const read = await request(fetch, url, { timeoutMs });
    if (posted.status !== 403 || read.status !== 405)
      throw new DeliveryError(
        'retry',
        'EndpointUnknown',
        `${url} responds with status ${posted.status} to an activity without a token, and not as this gateway does (403).`,
      );
    return isLoopback(hostname)
      ? { message: `${url} can only be reached from this machine: Microsoft needs a public https address.` }
      : undefined;
  });
}
