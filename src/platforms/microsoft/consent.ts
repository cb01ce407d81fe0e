import { joinUrl } from '../request.ts';

/**
 * Builds the address of the page on which an administrator of a tenant consents to an application's permissions.
 * https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent#construct-the-url-for-granting-tenant-wide-admin-consent
 */
export const consentUrl = (loginUrl: string, tenantId: string, applicationId: string): string =>
  joinUrl(loginUrl, `${encodeURIComponent(tenantId)}/adminconsent?client_id=${encodeURIComponent(applicationId)}`);
