import { createHash } from 'node:crypto';
import { examples } from './graphiql-examples.ts';

const OPTIONS = {
  title: 'SMS for Microsoft Teams',
  defaultTabs: [...examples],
  shouldPersistHeaders: false,
  credentials: 'same-origin',
} as const;

interface GraphiQLPage {
  readonly html: string;
  /** Its Content-Security-Policy. */
  readonly policy: string;
}

let page: Promise<GraphiQLPage> | undefined;

/** Serves GraphiQL's page, which loads nothing from other hosts. */
export async function graphiql(): Promise<Response> {
  page ??= render();
  const { html, policy } = await page;
  return new Response(html, { headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy } });
}

/** Renders the page. It has one script, inline; by its hash in the policy, only that may run. */
async function render(): Promise<GraphiQLPage> {
  // Nine megabytes: loaded when the page is first requested, so that no start waits for it.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  // A browser normalizes line ends before it hashes the script.
  const html = renderGraphiQL(OPTIONS as never).replace(/\r\n?/g, '\n');
  const begin = html.indexOf('<script>') + '<script>'.length;
  const script = html.slice(begin, html.lastIndexOf('</script>'));
  const hash = createHash('sha256').update(script).digest('base64');
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${hash}'`,
    "style-src 'unsafe-inline'",
    "img-src 'self' data:",
    'font-src data:',
    'worker-src blob:',
    // Operations over HTTP, and WebSockets to the same host.
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return { html, policy };
}
