/**
 * Tells Teams that the page has loaded, where it is a tab of Teams: without that, Teams covers it with an error. It signs in by its own form there, too.
 * https://learn.microsoft.com/microsoftteams/platform/tabs/how-to/tab-requirements
 */
export async function beTeamsTab(): Promise<void> {
  if (window.parent === window) return;
  const { app } = await import('@microsoft/teams-js');
  await app.initialize();
  app.notifySuccess();
}
