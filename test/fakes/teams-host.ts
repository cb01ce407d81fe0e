import type { Page } from 'playwright-core';

// Teams, as the page that frames a tab: it answers the messages of @microsoft/teams-js, in their form (MessageRequest and MessageResponse of the library's
// src/internal/messageObjects.ts). The browser takes it for Teams' own page, so the frame-ancestors of the tab's policy apply.

const TEAMS = 'https://teams.microsoft.com';
/** Where this Teams shows a tab. */
const TAB = `${TEAMS}/tab`;

/** What Teams says when it is asked for a token: one of Entra, an error, or nothing. */
export type Answer = { readonly token: string } | { readonly error: string } | undefined;

export interface FakeTeamsHost {
  /** The functions of Teams that the tab has called, in order. */
  readonly called: string[];
  /** The arguments of each call for a token: resources, claims, silent, tenantId. */
  readonly asked: unknown[][];
  answer: Answer;
}

/** Shows a page as a tab of Teams. @param first what Teams answers until `answer` is set to something else */
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
