// The page as a tab of Teams. https://learn.microsoft.com/microsoftteams/platform/tabs/how-to/tab-requirements

/** How long Teams may take to respond, in ms. Another page that frames this one never responds. */
const PATIENCE = 10_000;
/** Teams operated by 21Vianet. The library accepts it only if it is named: learn.microsoft.com, "Teams JavaScript client library". */
const TEAMS_OF_21VIANET = 'https://teams.microsoftonline.cn';

/** Teams returned no token. Without a message, it did not respond. */
export class TeamsSilence extends Error {}

/** Whether another page frames this one, as Teams does. */
export const isFramed = (): boolean => window.parent !== window;

/** Notifies Teams once that the page has loaded: otherwise, Teams covers it with an error. Later calls return the same result. */
async function started() {
  begun ??= import('@microsoft/teams-js').then(async ({ app, authentication }) => {
    await app.initialize([TEAMS_OF_21VIANET]);
    app.notifySuccess();
    return authentication;
  });
  return begun;
}
let begun: Promise<typeof import('@microsoft/teams-js').authentication> | undefined;

/** Lets Teams show the page. If another page frames it, nothing happens. */
export function beTeamsTab(): void {
  if (isFramed()) started().catch(() => {});
}

/**
 * Asks Teams for a token of Microsoft Entra that identifies its user. Does not prompt the user.
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
