import { createHash } from 'node:crypto';
import { examples } from './graphiql-examples.ts';

const OPTIONS = {
  title: 'SMS for Microsoft Teams',
  defaultTabs: [...examples],
  shouldPersistHeaders: false,
  credentials: 'same-origin',
} as const;

interface Page {
  readonly html: string;
  readonly policy: string;
}

let page: Promise<Page> | undefined;

/** GraphiQL's page, which loads nothing from anywhere. */
export async function graphiql(): Promise<Response> {
  page ??= render();
  const { html, policy } = await page;
  return new Response(html, { headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy } });
}

/** The package's page has one script, inline. It alone may run: the policy has its hash. */
async function render(): Promise<Page> {
  // Nine megabytes, which would delay every start.
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  // A browser reads line ends so before it hashes.
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
    // Its operations, and WebSockets to the same host.
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return { html, policy };
}
