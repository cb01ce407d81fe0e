import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import { pino } from 'pino';
import type { Browser, Page } from 'playwright-core';
// @ts-expect-error: plain JavaScript, run without a build
import { buildConsole } from '../../console.config.mjs';
// @ts-expect-error: plain JavaScript, run without a build
import { isStale } from '../../esbuild.config.mjs';
import { createApp } from '../../src/app.ts';
import type { Database } from '../../src/database/connect.ts';
import { packageRoot } from '../../src/database/package-root.ts';
import { createSecrets } from '../../src/domain/secrets.ts';
import { parseEnv } from '../../src/env.ts';
import { startGateway } from '../../src/start.ts';
import { createTestDatabase } from './database.ts';
import { type GraphClient, graphClient } from './graph.ts';

export const ACCOUNT_SID = `AC${'0'.repeat(31)}3`;
export const AUTH_TOKEN = 'console-test-token';

/** A gateway with the console, on a port of its own; the embedded stand-ins play both platforms. */
export interface ConsoleGateway {
  readonly url: string;
  /** The provider's client. */
  readonly graph: GraphClient;
  readonly prisma: Database['prisma'];
  /** Plays the platforms: `/stand-in/sms` or `/stand-in/teams`. */
  readonly play: (path: string, body: object) => Promise<void>;
  readonly close: () => Promise<void>;
}

let built: Promise<{ first: readonly string[] }> | undefined;

/** The console's build, made again if the sources have changed since. @returns the scripts that its first load needs */
export function builtConsole(): Promise<{ first: readonly string[] }> {
  built ??= Promise.resolve(isStale() ? buildConsole() : undefined).then(async () => {
    const page = await readFile(join(packageRoot(), 'dist', 'console', 'index.html'), 'utf8');
    return { first: [...page.matchAll(/(?:src|href)="([\w.-]+\.js)"/g)].map(([, name = '']) => name) };
  });
  return built;
}

/** @param env settings, as the gateway's process reads them */
export async function createConsoleGateway(env: Record<string, string> = {}): Promise<ConsoleGateway> {
  const [directory, database] = await Promise.all([mkdtemp(join(tmpdir(), 'console-')), createTestDatabase(), builtConsole()]);
  const settings = parseEnv({ PORT: '0', BOOTSTRAP_ACCOUNT_SID: ACCOUNT_SID, BOOTSTRAP_AUTH_TOKEN: AUTH_TOKEN, ...env });
  const log = pino({ level: 'silent' });
  const secrets = createSecrets(Buffer.alloc(32, 7));
  const gateway = await startGateway({ settings, database, secrets, createApp, onFirstAccount: () => {}, log });
  const fetchHere = (request: Request) => fetch(request.url.replace('http://gateway.test', gateway.url), copyOf(request));
  const credentials = { user: ACCOUNT_SID, password: AUTH_TOKEN };
  return {
    url: gateway.url,
    prisma: database.prisma,
    graph: graphClient(fetchHere, credentials),
    play: async (path, body) => {
      const authorization = `Basic ${Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64')}`;
      const headers = { authorization, 'content-type': 'application/json' };
      const response = await fetch(`${gateway.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    },
    close: async () => {
      await gateway.stop();
      await database.close();
      await rm(directory, { recursive: true });
    },
  };
}

const copyOf = ({ method, headers, body }: Request): RequestInit => ({ method, headers, body, duplex: 'half' }) as RequestInit;

/** Opens the console in a window of its own. What its scripts complain about, and what its policy refuses, is collected. */
export async function openConsole(
  browser: Browser,
  url: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({
    locale: 'en-US',
    viewport: { width: 1200, height: 800 },
    reducedMotion: 'reduce',
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  await page.goto(url);
  return { page, complaints };
}

/** How long nothing may have changed for a page to be at rest, in ms. */
const QUIET = 100;
/** The longest wait for a page at rest, in ms. A page that never rests is at fault. */
const RESTLESS = 15_000;

/**
 * Resolves once the page is at rest: a change of address has arrived, nothing is loading, is read again, or fades, and the elements stay as they are.
 * Until then, axe and pictures would find colours halfway between two states.
 */
async function isAtRest(page: Page): Promise<void> {
  const disturbance = await page.evaluate(`new Promise((resolve) => {
    const began = performance.now();
    let changed = began;
    const observer = new MutationObserver(() => { changed = performance.now(); });
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    const disturbance = () => {
      const fading = document.getAnimations().find(({ playState }) => playState === 'running');
      if (fading) return 'an animation of ' + fading.effect?.target?.outerHTML.slice(0, 200);
      if (document.querySelector('[aria-busy=true], .fui-Spinner')) return 'something is loading';
      if (performance.now() - changed < ${QUIET}) return 'elements change';
    };
    const look = () => {
      const found = disturbance();
      if (found && performance.now() - began < ${RESTLESS}) return requestAnimationFrame(look);
      observer.disconnect();
      resolve(found);
    };
    requestAnimationFrame(look);
  })`);
  if (disturbance) throw new Error(`The page does not come to rest: ${disturbance}`);
}

/** Keeps a picture of the page at rest for people to look at: CI keeps the directory. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  await isAtRest(page);
  await page.screenshot({ path: join(packageRoot(), 'test-results', 'screenshots', `${name}.png`) });
}

/** Signs in with a name and a password, and waits for the first page. */
export async function signIn(page: Page, name = ACCOUNT_SID, password = AUTH_TOKEN): Promise<void> {
  await page.getByLabel('Account SID, or e-mail address').fill(name);
  await page.getByLabel('Auth token, or password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation').waitFor();
}

/** What axe finds on the page once it is at rest: the rule, the element, and what is wrong with it, such as its colours. */
export async function violationsOn(page: Page): Promise<string[]> {
  // By the debugger's protocol, so that the page's own policy stays as it is.
  await page.evaluate(axe.source);
  await isAtRest(page);
  // Tabster, which keeps the focus for Fluent UI, has elements that pass the focus on at once: nobody stays on one.
  const found = (await page.evaluate('axe.run({ exclude: ["[data-tabster-dummy]"] })')) as {
    violations: { id: string; nodes: { html: string; target: string[]; failureSummary?: string }[] }[];
  };
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, target, failureSummary }) => `${id}: ${target.join(' ')}: ${html}\n${failureSummary ?? ''}`),
  );
}
