import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Browser, Locator, Page } from 'playwright-core';
import { createApp } from '../../src/app.ts';
import { createClient, END, type Update } from '../../src/cli/client.ts';
import { NUMBER, setUpDemo } from '../../src/cli/demo/demo-setup.ts';
import { freePort, startPlayground } from '../../src/cli/demo/playground.ts';
import { createSecrets } from '../../src/domain/secrets.ts';
import { parseEnv } from '../../src/env.ts';
import { startGateway } from '../../src/start.ts';
import { createTestDatabase } from './database.ts';

const ACCOUNT_SID = `AC${'0'.repeat(31)}2`;
const AUTH_TOKEN = 'playground-test-token';
/** How long to wait for what must happen, in ms. */
const PATIENCE_MS = 40_000;

/** A gateway whose Teams is Microsoft's playground, as a process of its own, with a mapping for the playground's user. */
export interface PlaygroundGateway {
  /** The playground's page. */
  readonly pageUrl: string;
  /** Texts the playground's user from a phone. */
  text(phone: string, body: string): Promise<void>;
  /** Waits for the final event of a message in either direction. */
  ends(message: { phone: string; body: string }): Promise<string | undefined>;
  close(): Promise<void>;
}

export async function createPlaygroundGateway(): Promise<PlaygroundGateway> {
  const [directory, database, port] = await Promise.all([mkdtemp(join(tmpdir(), 'playground-')), createTestDatabase(), freePort(0)]);
  const pageUrl = `http://localhost:${port}`;
  const settings = parseEnv({
    ...{ PORT: '0', TEAMS_PLATFORM: 'playground', PLAYGROUND_URL: pageUrl },
    ...{ BOOTSTRAP_ACCOUNT_SID: ACCOUNT_SID, BOOTSTRAP_AUTH_TOKEN: AUTH_TOKEN },
  });
  const secrets = createSecrets(Buffer.alloc(32, 7));
  const log = pino({ level: 'silent' });
  const gateway = await startGateway({ settings, database, secrets, createApp, onFirstAccount: () => {}, log });
  const playground = await startPlayground({ directory, port, gatewayUrl: gateway.url });
  const client = createClient(gateway.url, ACCOUNT_SID, AUTH_TOKEN);
  await setUpDemo(client);

  const updates: Update[] = [];
  const news = new EventEmitter();
  const leave = new AbortController();
  const following = (async () => {
    for await (const update of client.events(leave.signal)) {
      updates.push(update);
      news.emit('update');
    }
  })().catch(() => {});
  while (updates.length === 0) await once(news, 'update', { signal: AbortSignal.timeout(PATIENCE_MS) });

  return {
    pageUrl,
    text: async (from, body) => {
      await client.post('/stand-in/sms', { from, to: NUMBER, body });
    },
    ends: async ({ phone, body }) => {
      for (;;) {
        const last = updates.find(
          ({ channelStatus: status = '', message }) =>
            message?.body === body && [message.from, message.to].includes(phone) && END.has(status),
        );
        if (last) return last.channelStatus;
        await once(news, 'update', { signal: AbortSignal.timeout(PATIENCE_MS) });
      }
    },
    close: async () => {
      leave.abort();
      await following;
      await playground.stop();
      await gateway.stop();
      await database.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** The playground's page, as its user sees it: nothing but the chat with the bot. */
export class Chat {
  readonly page: Page;
  /** Errors of the page's scripts. */
  readonly complaints: string[] = [];

  private constructor(page: Page) {
    this.page = page;
    page.on('pageerror', (error) => this.complaints.push(error.message));
  }

  static async open(browser: Browser, url: string): Promise<Chat> {
    // Narrower, and the list of chats, which repeats the last text, is hidden.
    const chat = new Chat(await browser.newPage({ viewport: { width: 1000, height: 760 } }));
    const { page } = chat;
    page.setDefaultTimeout(PATIENCE_MS);
    // Its fonts.
    await page.route(
      ({ hostname }) => hostname !== 'localhost',
      (route) => route.abort(),
    );
    await page.goto(url);
    // In the log panel, which would repeat all texts.
    await page.getByText('conversationUpdate 200').first().waitFor();
    await page.getByTitle('Hide log panel').click();
    return chat;
  }

  /** Waits until it shows a text. @returns the last place where it does */
  async shows(text: string | RegExp): Promise<Locator> {
    const found = this.page.getByText(text).last();
    await found.waitFor();
    return found;
  }

  /** Types a text and sends it. */
  async say(text: string): Promise<void> {
    await this.page.locator('[role=textbox][contenteditable=true]').click();
    await this.page.keyboard.type(text);
    await this.page.keyboard.press('Enter');
  }

  /** Waits for the card that shows a text. */
  async card(text: string): Promise<Locator> {
    const found = this.page.locator('.ac-adaptiveCard').filter({ hasText: text }).last();
    await found.waitFor();
    return found;
  }
}
