// The page as a tab of Teams. https://learn.microsoft.com/microsoftteams/platform/tabs/how-to/tab-requirements

/** How long Teams may take to respond, in ms. Another page that frames this one never does. */
const PATIENCE = 10_000;
/** Teams operated by 21Vianet, which the library knows only if it is named: learn.microsoft.com, "Teams JavaScript client library". */
const TEAMS_OF_21VIANET = 'https://teams.microsoftonline.cn';

/** Teams gave no token. Without a message, it did not respond. */
export class TeamsSilence extends Error {}

/** Whether the page is in a frame, as the tab is. */
export const isFramed = (): boolean => window.parent !== window;

/** Tells Teams that the page has loaded: without that, Teams covers it with an error. Once; later calls have the same result. */
async function started() {
  begun ??= import('@microsoft/teams-js').then(async ({ app, authentication }) => {
    await app.initialize([TEAMS_OF_21VIANET]);
    app.notifySuccess();
    return authentication;
  });
  return begun;
}
let begun: Promise<typeof import('@microsoft/teams-js').authentication> | undefined;

/** Lets Teams show the page, if it is in Teams. Another page that frames it is no fault of the console's. */
export function beTeamsTab(): void {
  if (isFramed()) started().catch(() => {});
}

/**
 * Asks Teams for a token of Microsoft Entra that says who its user is, without a question to the user.
 * @throws TeamsSilence
 */
export function teamsToken(): Promise<string> {
  const token = started()
    .then((authentication) => authentication.getAuthToken({ silent: true }))
    .catch((error: unknown) => {
      throw new TeamsSilence(error instanceof Error ? error.message : String(error));
    });
  return new Promise((resolve, reject) => {
    const timer = window.setTimeout(() => reject(new TeamsSilence()), PATIENCE);
    token.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
