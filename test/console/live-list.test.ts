import type { Route } from 'playwright-core';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { chromiumPath } from '../support/chromium.ts';
import { signIn } from '../support/console.ts';
import { consoleWindow, createKohl, insertMessages, NUMBER, PHONE } from '../support/console-window.ts';

/** What the list reads at once. */
const PAGE = 100;
/** More than that. */
const MESSAGES = 150;
/** A refusal in the gateway's form. */
const TOO_MANY = { status: 429, json: { errors: [{ message: 'too many', extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } }] } };

/** Whether a request reads the list's first page. */
function isRead(route: Route): boolean {
  const { variables } = route.request().postDataJSON() as { variables?: { first?: number } };
  return variables?.first === PAGE;
}

// Lists of messages while more happens than they have read. Each test goes on where the one before ended.
describe.skipIf(!chromiumPath)('a list of messages that says "Live"', () => {
  let enterpriseSid = '';
  const window = consoleWindow({
    prepare: async ({ gateway, page }) => {
      enterpriseSid = await createKohl(gateway);
      await signIn(page);
    },
  });
  const { open, button, row } = window;
  const play = (body: string) => window.gateway.play('/stand-in/sms', { from: PHONE, to: NUMBER, body });
  const setStatus = (status: 'ACTIVE' | 'INACTIVE') =>
    window.gateway.graph('mutation ($input: UpdateEnterpriseInput!) { updateEnterprise(input: $input) { __typename } }', {
      input: { sid: enterpriseSid, status },
    });
  const isDelivered = (body: string) =>
    vi.waitFor(async () => {
      const { data } = await window.gateway.graph(`{ messages(filter: { body: "${body}" }) { nodes { channelStatus } } }`);
      expect(data.messages.nodes).toEqual([{ channelStatus: 'DELIVERED' }]);
    }, 15_000);
  const viewport = () => window.page.getByRole('rowgroup', { name: 'Messages' });
  const scrollTo = (top: number) => viewport().evaluate((element, y) => element.scrollTo(0, y), top);

  /** Holds the next answer to a read of the list. @returns a promise that the gateway has answered, and a function that lets the answer through */
  async function holdNext() {
    let [answers, letGo] = [() => {}, () => {}];
    const answered = new Promise<void>((resolve) => (answers = resolve));
    const isLetGo = new Promise<void>((resolve) => (letGo = resolve));
    let isHeld = false;
    await window.page.route('**/graphql', async (route) => {
      if (isHeld || !isRead(route)) return route.continue();
      isHeld = true;
      const response = await route.fetch();
      answers();
      await isLetGo;
      await route.fulfill({ response });
    });
    return { answered, letGo };
  }
  const tooMany = () => window.page.getByRole('alert').getByText('Too many pages of this account are open at once.');
  const refuseStreams = () =>
    window.page.route('**/graphql', (route) =>
      route.request().headers().accept === 'text/event-stream' ? route.fulfill(TOO_MANY) : route.continue(),
    );
  afterEach(() => window.page.unroute('**/graphql'));

  test('keeps what arrives while it is read', async () => {
    await play('Before');
    await isDelivered('Before');
    await setStatus('INACTIVE');
    await play('Was waiting');
    const { answered, letGo } = await holdNext();
    await open('Messages');
    await answered;
    await setStatus('ACTIVE');
    await row('Was waiting').getByText('Delivered').waitFor();
    await play('While it was read');
    await row('While it was read').getByText('Delivered').waitFor();
    letGo();
    await row('Before').waitFor();
    expect(await row('While it was read').getByText('Delivered').count()).toBe(1);
    expect(await row('Was waiting').getByText('Delivered').count()).toBe(1);
  });

  test('keeps what happens to older messages while they are read', async () => {
    await open('Overview');
    await setStatus('INACTIVE');
    await play('Is further down');
    await insertMessages(window.gateway, enterpriseSid, MESSAGES, new Date(), 1);
    await open('Messages');
    await row(`Message ${MESSAGES}`).waitFor();
    const { answered, letGo } = await holdNext();
    await scrollTo(100_000);
    await answered;
    await setStatus('ACTIVE');
    await isDelivered('Is further down');
    // Its event comes after the other's.
    await play('Comes later');
    await button('Show new messages (1)').waitFor();
    letGo();
    await vi.waitFor(async () => {
      await scrollTo(100_000);
      await row('Is further down').waitFor({ timeout: 500 });
    }, 15_000);
    expect(await row('Is further down').getByText('Delivered').count()).toBe(1);
  });

  test('shows new messages where the reader asks for them, and keeps the focus in the list', async () => {
    await button('Show new messages (1)').press('Enter');
    await row('Comes later').waitFor();
    expect(await viewport().evaluate((element) => [element.scrollTop, element.ownerDocument.activeElement === element])).toEqual([0, true]);
    await button('Show new messages (1)').waitFor({ state: 'detached' });
  });

  test('is read again at the top if its filter cannot be compared with what happened further down', async () => {
    const { page, gateway } = window;
    await page.goto(`${gateway.url}/console/#/messages?status=DELIVERED`);
    await row('Comes later').waitFor();
    await scrollTo(3000);
    await row('Comes later').waitFor({ state: 'detached' });
    await play('While one was further down');
    await isDelivered('While one was further down');
    await button('Show what has changed').waitFor();
    await scrollTo(0);
    await row('While one was further down').waitFor();
    await button('Show what has changed').waitFor({ state: 'detached' });
  });

  test('is read again after an answer that what happened meanwhile is missing from', async () => {
    const { page, gateway } = window;
    await setStatus('INACTIVE');
    await play('During a filtered read');
    const { data } = await gateway.graph('{ messages(filter: { body: "During a filtered read" }) { nodes { sid } } }');
    await page.goto(`${gateway.url}/console/#/overview`);
    await page.clock.install();
    const { answered, letGo } = await holdNext();
    await page.goto(`${gateway.url}/console/#/messages?status=DELIVERED&message=${data.messages.nodes[0].sid}`);
    await answered;
    await setStatus('ACTIVE');
    // The dialog has the event, and so has the list, which then waits for others.
    await window.dialog().getByRole('listitem').filter({ hasText: 'Delivered' }).waitFor();
    await page.clock.runFor(1000);
    letGo();
    await window.dialog().getByRole('button', { name: 'Close' }).click();
    await row('During a filtered read').waitFor();
  });

  test('is read again if it is of stuck messages, since becoming one is no event', async () => {
    const { page, gateway } = window;
    await page.goto(`${gateway.url}/console/#/messages?stuck=yes`);
    await page.getByText('Nothing matches these filters.').waitFor();
    await gateway.prisma.message.updateMany({ where: { body: 'Comes later' }, data: { stuck: true } });
    let reads = 0;
    await page.route('**/graphql', (route) => {
      if (isRead(route)) reads += 1;
      return route.continue();
    });
    const setHidden = (hidden: boolean) =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true })`);
    await setHidden(true);
    await page.clock.fastForward('00:10');
    await setHidden(false);
    await page.clock.fastForward('00:10');
    await row('Comes later').waitFor();
    expect(reads).toBe(1);
  });

  test('says why it cannot be read until it is read again', async () => {
    const { page, gateway } = window;
    await page.route('**/graphql', (route) => (isRead(route) ? route.fulfill(TOO_MANY) : route.continue()));
    await page.clock.fastForward('00:10');
    await tooMany().waitFor();
    const { answered, letGo } = await holdNext();
    await page.clock.fastForward('00:10');
    await answered;
    expect(await tooMany().count()).toBe(1);
    letGo();
    await tooMany().waitFor({ state: 'detached' });
    await gateway.prisma.message.updateMany({ where: { body: 'Comes later' }, data: { stuck: false } });
    window.complaints.splice(0);
  });

  test('is read if its stream is refused, and says why, as the overview’s list of bots does', async () => {
    const { page } = window;
    await refuseStreams();
    await open('Messages');
    await row('Comes later').waitFor();
    await tooMany().waitFor();
    await open('Overview');
    await page.getByRole('region', { name: 'Bots that need something' }).getByText('Not connected: trying again').waitFor();
    window.complaints.splice(0);
  });

  test('says no longer why its stream was refused once it is live again', async () => {
    const { page } = window;
    const isLive = page.getByText('Live', { exact: true });
    await open('Messages');
    await isLive.waitFor();
    await refuseStreams();
    await page.evaluate('window.dispatchEvent(new Event("offline"))');
    await tooMany().waitFor();
    await page.unroute('**/graphql');
    await page.evaluate('window.dispatchEvent(new Event("online"))');
    await isLive.waitFor();
    expect(await tooMany().count()).toBe(0);
    window.complaints.splice(0);
  });
});
