import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { NUMBER } from '../../../src/cli/demo/demo-setup.ts';
import { chromiumPath, launchChromium } from '../../support/chromium.ts';
import { Chat, createPlaygroundGateway, type PlaygroundGateway } from '../../support/playground.ts';

// What people see: Microsoft's playground in a browser, before a gateway.

/** Where to keep screenshots, for looking at; none are taken by default. */
const screenshots = process.env.PLAYGROUND_SCREENSHOTS;

/** Of numbers that Germany's regulator keeps for films. Each test has a phone of its own. */
const phoneNumber = (ending: number) => `+4917139200${ending}`;

describe.skipIf(!chromiumPath)('in the playground', () => {
  let gateway: PlaygroundGateway;
  let browser: Browser;
  beforeAll(async () => {
    [gateway, browser] = await Promise.all([createPlaygroundGateway(), launchChromium()]);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await gateway?.close();
  });

  let chat: Chat;
  beforeEach(async () => {
    chat = await Chat.open(browser, gateway.pageUrl);
    return async () => {
      await chat.page.close();
      expect(chat.complaints).toEqual([]);
    };
  });
  const keepScreenshot = async (name: string) => {
    if (screenshots) await chat.page.screenshot({ path: join(screenshots, `${name}.png`) });
  };

  test('an SMS is shown with its sender, and answered by typing', async () => {
    const phone = phoneNumber(11);
    // After a text to somebody else, the gateway would ask whom the answer is for.
    await chat.say(`${phone} Your table is reserved.`);
    await gateway.ends({ phone, body: 'Your table is reserved.' });
    await gateway.text(phone, 'Are you open tomorrow?');
    await chat.shows('Are you open tomorrow?');
    await chat.shows(phone);
    await chat.say('Yes, from nine.');
    expect(await gateway.ends({ phone, body: 'Yes, from nine.' })).toBe('DELIVERED');
    await keepScreenshot('answered-by-typing');
  });

  test('a text that begins with a number goes to that number', async () => {
    const phone = phoneNumber(12);
    await chat.say(`${phone} Your order is ready.`);
    expect(await gateway.ends({ phone, body: 'Your order is ready.' })).toBe('DELIVERED');
  });

  test('so does one whose number is written as people write it', async () => {
    await chat.say('+49 171 39200-13 hi');
    expect(await gateway.ends({ phone: phoneNumber(13), body: 'hi' })).toBe('DELIVERED');
    await keepScreenshot('number-with-spaces');
  });

  test('an SMS is shown as a card, and answered in its box', async () => {
    const phone = phoneNumber(14);
    await gateway.text(phone, 'Do you have tables\nfor *six*?');
    const card = await chat.card('Do you have tables');
    for (const text of [phone, NUMBER, 'for *six*?']) await card.getByText(text).waitFor();
    await keepScreenshot('card');
    await card.getByRole('textbox').fill('Yes, two.\nWhen?');
    await card.getByRole('button').click();
    expect(await gateway.ends({ phone, body: 'Yes, two.\nWhen?' })).toBe('DELIVERED');
    await chat.card('Yes, two.');
    await keepScreenshot('card-answered');
  });

  test('a text that may be for two phones is held, and goes to the one that is chosen', async () => {
    const [first, second] = [phoneNumber(15), phoneNumber(16)];
    await chat.say(`${first} To the first`);
    await gateway.ends({ phone: first, body: 'To the first' });
    await gateway.text(second, 'From the second');
    await chat.card('From the second');
    await chat.say('To whom?');
    const question = await chat.card('To whom?');
    await question.getByRole('button', { name: second }).waitFor();
    await keepScreenshot('held');
    await question.getByRole('button', { name: first }).click();
    expect(await gateway.ends({ phone: first, body: 'To whom?' })).toBe('DELIVERED');
    await keepScreenshot('held-chosen');
  });

  test('the person who wrote gets a notice of a failure', async () => {
    const unreachable = phoneNumber(10);
    await chat.say(`${unreachable} Hello?`);
    expect(await gateway.ends({ phone: unreachable, body: 'Hello?' })).not.toBe('DELIVERED');
    await chat.shows(new RegExp(`${unreachable.slice(1)}.*not delivered|not delivered.*${unreachable.slice(1)}`, 's'));
    await keepScreenshot('failure');
  });

  test.runIf(screenshots)('the README’s screenshot is taken', async () => {
    const phone = phoneNumber(75);
    await gateway.text(phone, 'Hello, are you open tomorrow?');
    await chat.shows('Hello, are you open tomorrow?');
    const card = await chat.card('Hello, are you open tomorrow?');
    await card.getByRole('textbox').fill('Yes, from nine.');
    await card.getByRole('button').click();
    await chat.card('Yes, from nine.');
    expect(await gateway.ends({ phone, body: 'Yes, from nine.' })).toBe('DELIVERED');
    await chat.page.setViewportSize({ width: 1400, height: 620 });
    await chat.page.getByRole('button', { name: 'Chat', exact: true }).click();
    await chat.page.getByRole('treeitem', { name: 'Personal Chat' }).waitFor();
    await keepScreenshot('playground');
  });
});
