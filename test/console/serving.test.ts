import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, request as requestOf, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/database/package-root.ts';
import { chromiumPath, launchChromium } from '../support/chromium.ts';
import { builtConsole, type ConsoleGateway, createConsoleGateway, openConsole, signIn } from '../support/console.ts';

/** What the first load may weigh, gzipped. */
const BUDGET = 250_000;

let gateway: ConsoleGateway;
beforeAll(async () => {
  gateway = await createConsoleGateway();
});
afterAll(() => gateway.close());

const get = (path: string, init: RequestInit = {}) => fetch(`${gateway.url}${path}`, { redirect: 'manual', ...init });

describe('the console is served', () => {
  test('at /console/, to which /console and / lead by relative addresses', async () => {
    const page = await get('/console/');
    expect([page.status, page.headers.get('content-type'), page.headers.get('cache-control')]).toEqual([
      200,
      'text/html; charset=utf-8',
      'no-cache',
    ]);
    const moved = await get('/console?x=1');
    expect([moved.status, moved.headers.get('location')]).toEqual([308, 'console/?x=1']);
    expect((await get('/')).headers.get('location')).toBe('console/');
  });

  test('with a policy that allows its own scripts, no inline script, and no style with any content but the first paint’s', async () => {
    const style = /<style>(.*?)<\/style>/s.exec(await (await get('/console/')).text())?.[1] ?? expect.unreachable();
    const hash = createHash('sha256').update(style).digest('base64');
    for (const path of ['/console/', `/console/${(await builtConsole()).first[0]}`]) {
      const headers = (await get(path)).headers;
      expect(headers.get('content-security-policy')).toBe(
        `default-src 'none'; script-src 'self'; style-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' 'sha256-${hash}'; img-src data:; ` +
          "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      );
      expect(headers.get('x-frame-options')).toBe('DENY');
    }
  });

  test('in a frame of Teams alone, and only while the app of an organization has a tab with it', async () => {
    const ancestors = async () => /frame-ancestors (.*)$/.exec((await get('/console/')).headers.get('content-security-policy') ?? '')?.[1];
    const update = (consoleTab: boolean) =>
      gateway.graph('mutation ($input: UpdateTeamsAppInput!) { updateTeamsApp(input: $input) { __typename } }', { input: { consoleTab } });
    expect(await ancestors()).toBe("'none'");
    await update(true);
    expect(await ancestors()).toBe(
      'https://teams.microsoft.com https://*.teams.microsoft.com https://*.cloud.microsoft https://*.teams.microsoft.us https://teams.microsoftonline.cn',
    );
    await update(false);
    expect(await ancestors()).toBe("'none'");
  });

  test('with scripts that browsers keep, compressed as well as the client can read', async () => {
    const [name = ''] = (await builtConsole()).first;
    const script = await get(`/console/${name}`, { headers: { 'accept-encoding': 'gzip, deflate, br' } });
    expect(Object.fromEntries(script.headers)).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'content-encoding': 'br',
      'content-type': 'text/javascript; charset=utf-8',
      vary: 'accept-encoding',
    });
    const text = await script.text();
    for (const [accepted, encoding] of [
      ['gzip, br;q=0', 'gzip'],
      ['gzip', 'gzip'],
      ['identity', null],
    ] as const) {
      const other = await get(`/console/${name}`, { headers: { 'accept-encoding': accepted } });
      expect([accepted, other.headers.get('content-encoding')]).toEqual([accepted, encoding]);
      expect(await other.text()).toBe(text);
    }
    const page = await get('/console/', { headers: { 'accept-encoding': 'br' } });
    expect([page.headers.get('content-encoding'), page.headers.get('vary')]).toEqual(['br', 'accept-encoding']);
  });

  test('and nothing else is: no file beside it, no manifest, no other method', async () => {
    for (const path of ['/console/documents.json', '/console/..%2fmain.js', '/console/main.js', '/console/x-ABCDEFGH.js', '/consoles'])
      expect([path, (await get(path)).status]).toEqual([path, 404]);
    const posted = await get('/console/', { method: 'POST' });
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    const head = await get('/console/', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  test('has a manifest of documents in order, so that the same sources give the same one', async () => {
    const ids = Object.keys(JSON.parse(await readFile(join(packageRoot(), 'dist/console/documents.json'), 'utf8')));
    expect(ids.length).toBeGreaterThan(10);
    expect(ids).toEqual([...ids].sort());
  });

  test('not at all with CONSOLE=off, and its documents are unknown then', async () => {
    const off = await createConsoleGateway({ CONSOLE: 'off' });
    const [id = ''] = Object.keys(JSON.parse(await readFile(join(packageRoot(), 'dist/console/documents.json'), 'utf8')));
    const ask = (url: string) => {
      const headers = { 'content-type': 'application/json', accept: 'application/json', authorization: 'Basic eDp5' };
      return fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ documentId: id }) });
    };
    expect((await fetch(`${off.url}/console/`)).status).toBe(404);
    expect((await fetch(`${off.url}/`, { redirect: 'manual' })).headers.get('location')).toBe('/graphql');
    expect((await ask(off.url)).status).toBe(401);
    await off.close();
  });
});

test('the first load is lighter than 250 kB, gzipped', async () => {
  const sizes = await Promise.all(
    (await builtConsole()).first.map(async (name) => (await readFile(join(packageRoot(), 'dist/console', `${name}.gz`))).length),
  );
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(BUDGET);
});

describe.skipIf(!chromiumPath)('the console works in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  test('with TRUSTED_DOCUMENTS=only and a manifest that has none of its documents', async () => {
    const file = join(packageRoot(), 'dist', 'console-test-manifest.json');
    await writeFile(file, '{}');
    const only = await createConsoleGateway({ TRUSTED_DOCUMENTS: 'only', TRUSTED_DOCUMENTS_FILE: file, NODE_ENV: 'production' });
    const { page, complaints } = await openConsole(browser, `${only.url}/console`);
    await signIn(page);
    await page.getByRole('link', { name: 'Enterprises' }).click();
    await page.getByText('No enterprises yet').waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
    await only.close();
  });

  test('behind a proxy that removes a prefix of the path', async () => {
    const proxy = await startProxy('/sms', gateway.url);
    const { port } = proxy.address() as AddressInfo;
    const { page, complaints } = await openConsole(browser, `http://127.0.0.1:${port}/sms/console`);
    await signIn(page);
    expect(page.url()).toContain(`:${port}/sms/console/#/`);
    await page.getByRole('link', { name: 'Enterprises' }).click();
    await page.getByText('No enterprises yet').waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
    proxy.closeAllConnections();
    proxy.close();
  });
});

/** A proxy that passes what is below a prefix on, without it, and refuses everything else. */
async function startProxy(prefix: string, target: string): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    if (!incoming.url?.startsWith(`${prefix}/`)) {
      outgoing.writeHead(404).end();
      return;
    }
    const { method, headers } = incoming;
    const passed = requestOf(`${target}${incoming.url.slice(prefix.length)}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
