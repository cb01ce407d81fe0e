import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { launchChromium } from './chromium.ts';
import { ACCOUNT_SID, AUTH_TOKEN, type ConsoleGateway, createConsoleGateway, openConsole } from './console.ts';

export const USER = 'sunny@kohl.example';
export const NUMBER = '+493023125042';
export const PHONE = '+4915112345671';

/** A window of the console, which the tests of a `describe` share in their order. */
export interface ConsoleWindow {
  readonly gateway: ConsoleGateway;
  readonly page: Page;
  /** What the page's scripts complained about since the last test. A test that provokes one takes it out. */
  readonly complaints: string[];
  /** Opens a page by its name in the navigation. */
  readonly open: (name: string) => Promise<void>;
  readonly button: (name: string) => Locator;
  readonly dialog: () => Locator;
  readonly row: (text: string) => Locator;
  /** Confirms what a dialog asks with one's own auth token. */
  readonly confirm: (name: string) => Promise<void>;
  /** Opens another one, where nobody has signed in. */
  readonly another: () => Promise<Page>;
}

interface WindowOptions {
  /** Settings of the gateway. */
  readonly env?: () => Record<string, string>;
  /** Prepares what the tests begin with. */
  readonly prepare?: (window: ConsoleWindow) => Promise<unknown>;
}

/** Opens a window before a `describe`'s tests, and closes it after them. What its scripts complain about fails the test in which they do. */
export function consoleWindow({ env = () => ({}), prepare }: WindowOptions = {}): ConsoleWindow {
  let gateway: ConsoleGateway;
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  const window: ConsoleWindow = {
    get gateway() {
      return gateway;
    },
    get page() {
      return page;
    },
    get complaints() {
      return complaints;
    },
    open: (name) => page.getByRole('navigation').getByRole('link', { name, exact: true }).click(),
    button: (name) => page.getByRole('button', { name, exact: true }),
    dialog: () => page.getByRole('dialog'),
    row: (text) => page.getByRole('row').filter({ hasText: text }),
    confirm: async (name) => {
      await window.dialog().getByLabel('Your own auth token').fill(AUTH_TOKEN);
      await window.dialog().getByRole('button', { name }).click();
      await window.dialog().waitFor({ state: 'detached' });
    },
    another: async () => (await openConsole(browser, `${gateway.url}/console/`)).page,
  };
  beforeAll(async () => {
    [gateway, browser] = await Promise.all([createConsoleGateway(env()), launchChromium()]);
    ({ page, complaints } = await openConsole(browser, `${gateway.url}/console/`));
    await prepare?.(window);
  });
  afterAll(async () => {
    await browser?.close();
    await gateway?.close();
  });
  afterEach(() => expect(complaints.splice(0)).toEqual([]));
  return window;
}

/** Creates the enterprise Kohl with its bot, and a mapping of its user. @returns its sid */
export async function createKohl({ graph }: ConsoleGateway): Promise<string> {
  const { data } = await graph(
    `mutation { createEnterprise(input: { name: "Kohl", enterpriseAdmin: { email: "admin@kohl.example", password: "a-long-password" } }) {
      ... on CreateEnterpriseSuccess { enterprise { sid } } } }`,
  );
  const { sid } = data.createEnterprise.enterprise;
  const [applicationId, tenantId] = ['11111111-2222-4333-8444-555555555555', '66666666-7777-4888-8999-000000000000'];
  await graph('mutation ($input: CreateBotInput!) { createBot(input: $input) { __typename } }', {
    input: { enterpriseSid: sid, applicationId, tenantId, clientSecret: 'a-client-secret', botAppId: 'app-1' },
  });
  await graph('mutation ($input: CreateMappingInput!) { createMapping(input: $input) { __typename } }', {
    input: { enterpriseSid: sid, microsoftAddress: USER, externalAddress: NUMBER },
  });
  return sid;
}

/** Puts messages into the log of a mapping: `Message 1` and so on, each later than the one before by a number of ms. */
export async function insertMessages({ prisma }: ConsoleGateway, enterpriseSid: string, count: number, after: Date, step: number) {
  await prisma.$executeRawUnsafe(
    `INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, "from", from_folded, "to", to_folded, body,
       channel_status, status_rank, date_created)
     SELECT 'MS' || md5(n::text), organization_sid, enterprise_sid, sid, $1, (CASE n % 2 WHEN 0 THEN 'INBOUND' ELSE 'OUTBOUND' END)::message_direction,
       '+4930111', '4930111', '+49302' || n, '49302' || n, 'Message ' || n, (CASE n % 3 WHEN 0 THEN 'FAILED' ELSE 'DELIVERED' END)::channel_status, 3,
       timestamptz '${after.toISOString()}' + n * interval '${step} milliseconds'
     FROM mapping, generate_series(1, ${count}) AS n WHERE enterprise_sid = $2`,
    ACCOUNT_SID,
    enterpriseSid,
  );
}
