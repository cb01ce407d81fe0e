import type { Locator } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { chromiumPath } from '../support/chromium.ts';
import { ACCOUNT_SID, AUTH_TOKEN } from '../support/console.ts';
import { consoleWindow, createKohl, NUMBER, PHONE } from '../support/console-window.ts';

// The main path of a day, without a mouse: each step goes on from where the focus is.
describe.skipIf(!chromiumPath)('by keyboard alone', () => {
  const window = consoleWindow({
    prepare: async ({ gateway }) => {
      await createKohl(gateway);
      await gateway.play('/stand-in/sms', { from: PHONE, to: NUMBER, body: 'Are you open tomorrow?' });
    },
  });

  const press = (key: string) => window.page.keyboard.press(key);
  const isFocused = (target: Locator) => target.evaluate((element) => element === element.ownerDocument.activeElement);
  /** Where the focus is: not lost, which the body would say, and within what one sees. */
  const focus = () =>
    window.page.evaluate(`(() => {
      const { activeElement: at } = document;
      const { top, left, bottom, right } = at.getBoundingClientRect();
      return { tag: at.tagName, isSeen: bottom > 0 && right > 0 && top < innerHeight && left < innerWidth };
    })()`) as Promise<{ tag: string; isSeen: boolean }>;

  /** Goes on to an element by Tab. On the way, the focus is never lost; at the end one sees where it is. */
  async function tabTo(target: Locator, key = 'Tab'): Promise<void> {
    await target.waitFor();
    for (let steps = 0; !(await isFocused(target)); steps += 1) {
      if (steps === 60) throw new Error(`Tab does not reach ${target}`);
      await press(key);
      expect(await focus(), String(target)).toMatchObject({ tag: expect.not.stringMatching(/^(BODY|HTML)$/), isSeen: true });
    }
    const around = await target.boundingBox();
    if (!around) throw new Error(`${target} has no place`);
    const clip = { x: Math.max(0, around.x - 4), y: Math.max(0, around.y - 4), width: around.width + 8, height: around.height + 8 };
    const withFocus = await window.page.screenshot({ clip });
    await press(key);
    const without = await window.page.screenshot({ clip });
    expect(withFocus.equals(without), `one sees the focus on ${target}`).toBe(false);
    await press(key === 'Tab' ? 'Shift+Tab' : 'Tab');
    expect(await isFocused(target)).toBe(true);
  }

  test('one signs in, and the focus goes to the page', async () => {
    await tabTo(window.page.getByLabel('Account SID, or e-mail address'));
    await window.page.keyboard.type(ACCOUNT_SID);
    await tabTo(window.page.getByLabel('Auth token, or password'));
    await window.page.keyboard.type(AUTH_TOKEN);
    await press('Enter');
    const heading = window.page.getByRole('heading', { name: 'Overview', level: 1 });
    await heading.waitFor();
    await expect.poll(() => isFocused(heading), { timeout: 15_000 }).toBe(true);
  });

  test('the navigation leads to a page whose heading has the focus', async () => {
    await tabTo(window.page.getByRole('navigation').getByRole('link', { name: 'Messages' }), 'Shift+Tab');
    await press('Enter');
    const heading = window.page.getByRole('heading', { name: 'Messages', level: 1 });
    await heading.waitFor();
    await expect.poll(() => isFocused(heading), { timeout: 15_000 }).toBe(true);
  });

  test('a message is opened; its dialog keeps the focus, and gives it back', async () => {
    const message = window.page.getByRole('button', { name: 'Are you open tomorrow?' });
    await tabTo(message);
    await press('Enter');
    const dialog = window.page.getByRole('dialog');
    await dialog.getByRole('heading', { name: 'History' }).waitFor();
    const isWithin = () => dialog.evaluate((element) => element.contains(element.ownerDocument.activeElement));
    await expect.poll(isWithin, { timeout: 15_000 }).toBe(true);
    for (let steps = 0; steps < 8; steps += 1) {
      await press('Tab');
      expect(await isWithin()).toBe(true);
    }
    await press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await expect.poll(() => isFocused(message), { timeout: 15_000 }).toBe(true);
  });

  test('a conversation is opened, and an SMS sent, after which one goes on writing', async () => {
    await tabTo(window.page.getByRole('navigation').getByRole('link', { name: 'Conversations' }), 'Shift+Tab');
    await press('Enter');
    await window.page.getByRole('heading', { name: 'Conversations', level: 1 }).waitFor();
    await tabTo(window.page.getByRole('link', { name: PHONE }));
    await press('Enter');
    const text = window.page.getByLabel('SMS');
    await tabTo(text);
    await window.page.keyboard.type('From nine');
    await tabTo(window.page.getByRole('button', { name: 'Send', exact: true }));
    await press('Enter');
    await window.page.getByRole('listitem').filter({ hasText: 'From nine' }).getByText('Delivered').waitFor();
    await expect.poll(() => isFocused(text), { timeout: 15_000 }).toBe(true);
  });

  test('one signs out, and the focus goes to the sign-in, which the window’s title names', async () => {
    await tabTo(window.page.getByRole('button', { name: 'Sign out' }), 'Shift+Tab');
    await press('Enter');
    const heading = window.page.getByRole('heading', { name: 'Sign in', level: 1 });
    await heading.waitFor();
    await expect.poll(() => isFocused(heading), { timeout: 15_000 }).toBe(true);
    expect(await window.page.title()).toBe('Sign in – SMS for Microsoft Teams');
  });
});
