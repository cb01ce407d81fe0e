import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Listener, listen } from '../../src/server/server.ts';
import { chromiumPath, launchChromium } from '../support/chromium.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;
let listener: Listener;
beforeAll(async () => {
  gateway = await createTestGateway();
  listener = await listen(gateway.fetch, { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await listener?.drain(1000);
  await gateway?.close();
});

const get = (path: string, init?: RequestInit) => fetch(`${listener.url}/msteams/docs${path}`, init);

describe('/msteams/docs', () => {
  test.each([
    ['', 'text/html; charset=utf-8'],
    ['/', 'text/html; charset=utf-8'],
    ['/start.js', 'text/javascript; charset=utf-8'],
    ['/swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
    ['/swagger-ui.css', 'text/css; charset=utf-8'],
  ])('serves %s without credentials, only by GET and HEAD, and lets it load nothing from elsewhere', async (path, type) => {
    const response = await get(path);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(type);
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'; /);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect((await response.text()).length).toBeGreaterThan(100);
    const head = await get(path, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const posted = await get(path, { method: 'POST' });
    expect([posted.status, posted.headers.get('allow'), await posted.json()]).toEqual([
      405,
      'GET, HEAD',
      { errorCode: '405', message: 'Method Not Allowed' },
    ]);
  });

  test.each(['/..%2fopenapi.json', '/constructor', '/swagger-ui.css.map', '/swagger-ui.css/', 'x', '//start.js'])(
    'serves no %s',
    async (path) => {
      const response = await get(path);
      expect([response.status, await response.json()]).toEqual([401, { errorCode: '401', message: 'Unauthorized' }]);
    },
  );
});

describe.skipIf(!chromiumPath)('the page in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  test('shows each of the 17 operations once and runs one, without a complaint, and asks no other host', async () => {
    const provider = await gateway.provider();
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(10_000);
    const complaints: string[] = [];
    const hosts = new Set<string>();
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => request.url().startsWith('data:') || hosts.add(new URL(request.url()).origin));
    await page.goto(`${listener.url}/msteams/docs`);
    await page.locator('.opblock').nth(16).waitFor();
    expect(await page.locator('.opblock').count()).toBe(17);
    const screenshot = process.env.DOCS_SCREENSHOT;
    if (screenshot) await page.screenshot({ path: screenshot, fullPage: true });

    await page.locator('button.authorize').click();
    await page.locator('input[name="username"]').fill(provider.accountSid);
    await page.locator('input[name="password"]').fill(provider.authToken);
    await page
      .locator('.auth-container')
      .filter({ has: page.locator('input[name="password"]') })
      .locator('button.authorize')
      .click();
    await page.locator('button.btn-done').first().click();
    const operation = page.locator('#operations-Messages-getMessage');
    await operation.locator('.opblock-summary-control').click();
    await operation.locator('.try-out__btn').click();
    await operation.locator('button.execute').click();
    await operation.locator('.live-responses-table').getByText('Message Id not found').first().waitFor();
    // The browser itself reports the answer's 409.
    expect(complaints.filter((text) => !text.includes('409'))).toEqual([]);
    expect([...hosts]).toEqual([listener.url]);
    if (screenshot) await page.screenshot({ path: screenshot.replace('.png', '-run.png') });
    await page.close();
  });
});
