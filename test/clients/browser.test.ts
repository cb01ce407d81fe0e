import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { chromiumPath, launchChromium } from '../support/chromium.ts';
import { EVENTS } from './documents.ts';
import { survivesRestart } from './events.ts';
import { ClientsGateway } from './gateway.ts';

/** What a page does with the browser's EventSource, and with fetch-event-source where an error is thrown to connect again, as its README says. */
const SCRIPT = `
  import { fetchEventSource } from '@microsoft/fetch-event-source';
  window.byEventSource = (url, query, token) => {
    const source = new EventSource(url + '/graphql?' + new URLSearchParams({ query, access_token: token }));
    source.addEventListener('next', ({ data }) => report(data));
  };
  window.byFetch = (url, query, token) => {
    fetchEventSource(url + '/graphql', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: 'Bearer ' + token },
      body: JSON.stringify({ query }),
      onmessage: ({ event, data }) => { if (event === 'next') report(data); },
      onclose: () => { throw new Error('closed'); },
    });
  };
`;

describe.skipIf(!chromiumPath)('in Chromium', () => {
  let server: Server;
  let pageUrl: string;
  let gateway: ClientsGateway;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    const stdin = { contents: SCRIPT, resolveDir: fileURLToPath(new URL('.', import.meta.url)) };
    const { outputFiles } = await build({ stdin, bundle: true, write: false, format: 'iife' });
    const html = `<!doctype html><meta charset="utf-8"><script>${outputFiles[0]?.text}</script>`;
    server = createServer((_, response) => response.setHeader('content-type', 'text/html').end(html)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    pageUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    [gateway, browser] = await Promise.all([ClientsGateway.start({ CORS_ORIGINS: pageUrl }), launchChromium()]);
  });
  afterAll(async () => {
    await browser.close();
    await gateway.close();
    server.close();
  });

  beforeEach(async () => {
    complaints.splice(0);
    page = await browser.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
  });
  afterEach(async () => {
    await page.close();
    expect(complaints).toEqual([]);
  });

  test.each(['byEventSource', 'byFetch'])(
    'a page of another origin has a subscription that survives a restart of the gateway: %s',
    async (name) => {
      await page.goto(pageUrl);
      await survivesRestart(gateway, (_variables, { next, error }) => {
        const token = gateway.authorization.replace('Bearer ', '');
        const started = async () => {
          await page.exposeFunction('report', (data: string) => {
            const { data: answer, errors } = JSON.parse(data);
            if (errors) error(errors);
            else next(answer.messageEvents);
          });
          await page.evaluate(`${name}(...${JSON.stringify([gateway.url, EVENTS, token])})`);
        };
        started().catch(error);
        return () => {};
      });
    },
  );
});
