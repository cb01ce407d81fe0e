import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Negotiator from 'negotiator';
import { packageRoot } from './database/package-root.ts';

// The console's build, dist/console: a page, its scripts, and the documents that it sends by their ids.

/** The path of the page. Its files are next to it, so that it works behind any prefix. */
const PAGE = '/console/';
/** The names of scripts. Each contains a hash of the script, so browsers may keep it. */
const SCRIPT = /^[\w.-]+-[A-Z0-9]{8}\.js$/;

/** The encodings in which the build has each file too, the smallest first, and the endings of their names. */
const ENCODINGS = { br: '.br', gzip: '.gz' } as const;
type Encoding = keyof typeof ENCODINGS;

/**
 * Only the page's own scripts run. Griffel, which Fluent UI styles with, and Fluent UI's theme each create a style element without content and insert
 * rules by script: the first hash is that of the empty text. The second one is that of the page's own style element. A style element with any other
 * content, as one that is injected would have, has no effect.
 */
const policyOf = (style: string) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src ${['', style].map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`).join(' ')}`,
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
/**
 * The hosts that may frame the page as a tab: those of Teams (https://learn.microsoft.com/microsoftteams/platform/tabs/how-to/tab-requirements), and of
 * Teams operated by 21Vianet (https://learn.microsoft.com/microsoftteams/platform/tabs/how-to/using-teams-client-library).
 */
const TEAMS = [
  'https://teams.microsoft.com https://*.teams.microsoft.com https://*.cloud.microsoft https://*.teams.microsoft.us',
  'https://teams.microsoftonline.cn',
].join(' ');

/** The console, as it is built. */
export interface ConsoleFiles {
  /** Texts of the documents that the page sends, by id. */
  readonly documents: ReadonlyMap<string, string>;
  /**
   * Serves the page and its files.
   * @param isTab whether Teams may frame the page
   * @returns `undefined` for any other path
   */
  readonly serve: (request: Request, isTab: () => Promise<boolean>) => Promise<Response> | Response | undefined;
}

/** Loads the console. @returns `undefined` if it is not built */
export function loadConsole(directory = join(packageRoot(), 'dist', 'console')): ConsoleFiles | undefined {
  const manifest = join(directory, 'documents.json');
  if (!existsSync(manifest)) return undefined;
  const documents = new Map(Object.entries(JSON.parse(readFileSync(manifest, 'utf8')) as Record<string, string>));
  const page = readFileSync(join(directory, 'index.html'), 'utf8');
  const ownPolicy = policyOf(/<style>(.*?)<\/style>/s.exec(page)?.[1] ?? '');

  async function file(name: string, request: Request, isTab: () => Promise<boolean>): Promise<Response> {
    const encoding = encodingFor(request.headers.get('accept-encoding') ?? '');
    const content = await readFile(join(directory, encoding ? name + ENCODINGS[encoding] : name)).catch(() => undefined);
    if (!content) return notFound();
    const ancestors = name === 'index.html' && (await isTab()) ? TEAMS : "'none'";
    const policy = `${ownPolicy}; frame-ancestors ${ancestors}`;
    const headers = new Headers({ 'content-security-policy': policy, 'content-length': String(content.length), vary: 'accept-encoding' });
    if (encoding) headers.set('content-encoding', encoding);
    if (name === 'index.html') {
      headers.set('content-type', 'text/html; charset=utf-8');
      // Asked for every time: it names the scripts of this version.
      headers.set('cache-control', 'no-cache');
    } else {
      headers.set('content-type', 'text/javascript; charset=utf-8');
      headers.set('cache-control', 'public, max-age=31536000, immutable');
    }
    return new Response(request.method === 'HEAD' ? null : new Uint8Array(content), { headers });
  }

  return {
    documents,
    serve: (request, isTab) => {
      const { pathname, search } = new URL(request.url);
      if (pathname !== '/console' && !pathname.startsWith(PAGE)) return undefined;
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        return Response.json({ error: 'Method not allowed' }, { status: 405, headers: { allow: 'GET, HEAD' } });
      }
      // Relative, since a proxy may have removed a prefix of the path.
      if (pathname === '/console') return new Response(null, { status: 308, headers: { location: `console/${search}` } });
      const name = pathname.slice(PAGE.length) || 'index.html';
      return name === 'index.html' || SCRIPT.test(name) ? file(name, request, isTab) : notFound();
    },
  };
}

function encodingFor(accepted: string): Encoding | undefined {
  const all = Object.keys(ENCODINGS) as Encoding[];
  const taken = new Negotiator({ headers: { 'accept-encoding': accepted } }).encodings(all);
  return all.find((encoding) => taken.includes(encoding));
}

const notFound = () => Response.json({ error: 'Not found' }, { status: 404 });
