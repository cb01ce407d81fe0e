import type { Page } from 'playwright-core';

// Teams' page that frames a tab. It answers messages of @microsoft/teams-js in that library's form (MessageRequest and MessageResponse in
// src/internal/messageObjects.ts). The page has the address of Teams, so the frame-ancestors of the tab's policy apply.

const TEAMS = 'https://teams.microsoft.com';
/** The page that shows a tab. */
const TAB = `${TEAMS}/tab`;

/** The response of Teams to a request for a token: a token of Entra, an error, or nothing. */
export type Answer = { readonly token: string } | { readonly error: string } | undefined;

export interface FakeTeamsHost {
  /** The functions of Teams that the tab has called, in order. */
  readonly called: string[];
  /** The arguments of each call for a token: resources, claims, silent, tenantId. */
  readonly asked: unknown[][];
  answer: Answer;
}

/** Opens a page as a tab of Teams. @param first the response of Teams until `answer` is set to another one */
export async function openInTeams(page: Page, url: string, first: Answer): Promise<FakeTeamsHost> {
  const host: FakeTeamsHost = { called: [], asked: [], answer: first };
  await page.exposeFunction('answerOf', (func: string, args: unknown[]) => {
    host.called.push(func);
    // Context, kind of client, what the host supports, and its version: app.initialize of the library.
    if (func === 'initialize') return ['content', 'web', JSON.stringify({ apiVersion: 4, supports: {}, hostVersionsInfo: {} }), '2.0.1'];
    if (func !== 'authentication.getAuthToken') return undefined;
    host.asked.push(args);
    if (!host.answer) return undefined;
    return 'token' in host.answer ? [true, host.answer.token] : [false, host.answer.error];
  });
  await page.route(`${TEAMS}/**`, (route) =>
    route.fulfill({ contentType: 'text/html', body: HOST.replace('TAB_URL', url.replaceAll('"', '&quot;')) }),
  );
  await page.goto(TAB);
  return host;
}

const HOST = `<!doctype html><title>Teams</title>
<style>body { margin: 0 } iframe { border: 0; width: 100vw; height: 100vh }</style>
<script>
addEventListener('message', async ({ data, source, origin }) => {
  if (!data || typeof data.func !== 'string') return;
  const args = await answerOf(data.func, data.args ?? []);
  if (args) source.postMessage({ id: data.id, uuid: data.uuid, uuidAsString: data.uuidAsString, args }, origin);
});
</script>
<iframe name="tab" src="TAB_URL"></iframe>`;
