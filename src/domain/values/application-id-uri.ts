/**
 * The Application ID URI of a bot's application, in the form that Teams requires for an app with a bot and a tab. Single sign-on needs the host in it.
 * https://learn.microsoft.com/microsoftteams/platform/tabs/how-to/authentication/tab-sso-register-aad
 */
export function applicationIdUri(publicUrl: string, applicationId: string): string {
  const { protocol, hostname } = new URL(publicUrl);
  const id = applicationId.toLowerCase();
  return protocol === 'https:' ? `api://${hostname}/botid-${id}` : `api://botid-${id}`;
}
