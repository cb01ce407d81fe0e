import { PlatformError } from '../../domain/errors.ts';
import { type Fetch, joinUrl, jsonFields, NoResponseError, request } from '../request.ts';

// A tenant is named by a GUID or by one of its domains. Login takes either; activities and tokens have the GUID.

const GUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i;

/** Whether a tenant is named by a domain, as contoso.onmicrosoft.com. */
export const isTenantDomain = (tenantId: string): boolean => /^[^\s/@:]+\.[^\s/@:.]+$/.test(tenantId);

interface TenantIdsOptions {
  /** e.g. `https://login.microsoftonline.com` */
  readonly loginUrl: string;
  readonly fetch: Fetch;
  /** For each request, in ms. */
  readonly timeoutMs: number;
}

/**
 * Creates what asks login for tenants' ids: the issuer in a tenant's OpenID configuration holds it.
 * https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#find-your-apps-openid-configuration-document-uri
 */
export function createTenantIds({ loginUrl, fetch, timeoutMs }: TenantIdsOptions): {
  resolveTenant(domain: string): Promise<string | undefined>;
} {
  return {
    resolveTenant: async (domain) => {
      const url = joinUrl(loginUrl, `${encodeURIComponent(domain)}/v2.0/.well-known/openid-configuration`);
      const response = await request(fetch, url, { headers: { accept: 'application/json' }, timeoutMs }).catch((error) => {
        throw error instanceof NoResponseError ? new PlatformError(`Microsoft login did not respond: ${error.message}`) : error;
      });
      if (response.status === 400 || response.status === 404) return undefined;
      const { issuer } = jsonFields(response.text);
      const tenantId = typeof issuer === 'string' ? GUID.exec(issuer)?.[0] : undefined;
      if (response.status !== 200 || !tenantId)
        throw new PlatformError(`Microsoft login responded with status ${response.status} when looking up a tenant`);
      return tenantId.toLowerCase();
    },
  };
}
