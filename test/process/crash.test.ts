import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { createTestPlace, type TestPlace } from '../support/database.ts';
import { until } from '../support/exchange.ts';
import { AUTHORIZATION, GatewayProcess } from './gateway-process.ts';
import { type Accepted, createSurroundings, freePort, type Surroundings } from './traffic.ts';

let place: TestPlace;
let surroundings: Surroundings;
const started: GatewayProcess[] = [];

beforeEach(async () => {
  [place, surroundings] = await Promise.all([createTestPlace('migrated'), createSurroundings()]);
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((gateway) => gateway.end('SIGKILL')));
  await surroundings.close();
  await place.remove();
});

function start(port: number): GatewayProcess {
  const { dataDir, databaseUrl } = place.settings;
  const address = { PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}` };
  const database: Record<string, string> = databaseUrl === undefined ? { DATA_DIR: dataDir } : { DATABASE_URL: databaseUrl };
  const gateway = new GatewayProcess({ ...surroundings.env, ...address, ...database });
  started.push(gateway);
  return gateway;
}

interface Stored {
  readonly body: string;
  readonly channelStatus: string;
  readonly possiblyDuplicated: boolean;
}
interface Page {
  readonly totalCount: number;
  readonly nodes: readonly Stored[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

async function page(url: string, variables: { filter?: object; after?: string | null }): Promise<Page> {
  const query = `query ($filter: MessageFilter, $after: String) {
    messages(filter: $filter, first: 100, after: $after) {
      totalCount nodes { body channelStatus possiblyDuplicated } pageInfo { hasNextPage endCursor }
    }
  }`;
  const headers = { authorization: AUTHORIZATION, 'content-type': 'application/json' };
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data.messages;
}

/** Every message that the gateway has: its text, how far it came, and whether it is said to be possibly doubled. */
async function stored(url: string): Promise<Stored[]> {
  const found: Stored[] = [];
  let after: string | null = null;
  do {
    const { nodes, pageInfo }: Page = await page(url, { after });
    found.push(...nodes);
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  } while (after !== null);
  return found;
}

const drained = (url: string) => until(async () => (await page(url, { filter: { statuses: ['QUEUED'] } })).totalCount === 0, 90_000);

/** How often each text arrived. */
function counts(): Map<string, number> {
  const times = new Map<string, number>();
  for (const { body } of [...surroundings.arrived('phone'), ...surroundings.arrived('teams')]) times.set(body, (times.get(body) ?? 0) + 1);
  return times;
}

/** What was accepted of a conversation arrived in the order in which it was accepted; repetitions don't count. */
function expectOrder(accepted: readonly Accepted[]): void {
  for (const towards of ['phone', 'teams'] as const) {
    const arrived = surroundings.arrived(towards);
    for (const conversation of new Set(accepted.filter((one) => one.towards === towards).map((one) => one.conversation))) {
      const wrote = accepted.filter((one) => one.conversation === conversation && one.towards === towards).map(({ body }) => body);
      const known = new Set(wrote);
      const got = new Set(arrived.filter((one) => one.conversation === conversation && known.has(one.body)).map(({ body }) => body));
      expect([...got], conversation).toEqual(wrote);
    }
  }
}

test('kill -9 at random moments loses no accepted message, and duplicates only marked ones', async () => {
  const port = await freePort();
  let gateway = start(port);
  const url = await gateway.listening();
  await surroundings.populate(url, 4);
  const traffic = surroundings.begin([url]);
  const kills = 3;
  for (let kill = 0; kill < kills; kill += 1) {
    const before = traffic.accepted.length;
    await until(async () => traffic.accepted.length > before + 20, 60_000);
    // Any moment will do; that it is no particular one is the point.
    await delay(Math.random() * 300);
    await gateway.end('SIGKILL');
    gateway = start(port);
    await gateway.listening();
  }
  const before = traffic.accepted.length;
  await until(async () => traffic.accepted.length > before + 20, 60_000);
  await traffic.stop();
  await drained(url);

  const arrived = counts();
  const messages = await stored(url);
  const marked = new Set(messages.filter(({ possiblyDuplicated }) => possiblyDuplicated).map(({ body }) => body));
  const doubled = [...arrived].filter(([, times]) => times > 1).map(([body]) => body);
  const lost = traffic.accepted.filter(({ body }) => !arrived.has(body));
  const unmarked = doubled.filter((body) => !marked.has(body));
  console.log(
    `${kills} kills: ${traffic.accepted.length} accepted, ${arrived.size} delivered, ${doubled.length} doubled (${marked.size} marked), ` +
      `${lost.length} lost, ${unmarked.length} doubled unmarked`,
  );
  expect(lost).toEqual([]);
  expect(unmarked).toEqual([]);
  // So did messages that waited for a cure.
  expect(traffic.cures()).toBeGreaterThan(0);
  // The carrier can be asked, so nothing is ever doubled towards a phone.
  const sms = surroundings.arrived('phone').map(({ body }) => body);
  expect(new Set(sms).size).toBe(sms.length);
  expect(messages.filter(({ channelStatus }) => channelStatus === 'FAILED')).toEqual([]);
  expectOrder(traffic.accepted);
}, 240_000);

test.runIf(inject('postgres'))(
  'two gateways on one database deliver each message once, and every conversation in its order',
  async () => {
    const ports = [await freePort(), await freePort()];
    const gateways = ports.map(start);
    const urls = await Promise.all(gateways.map((gateway) => gateway.listening()));
    await surroundings.populate(String(urls[0]), 4);
    const traffic = surroundings.begin(urls);
    await until(async () => traffic.accepted.length > 200, 60_000);
    await traffic.stop();
    await Promise.all(urls.map(drained));

    const arrived = counts();
    const doubled = [...arrived].filter(([, times]) => times > 1);
    console.log(`2 gateways: ${traffic.accepted.length} accepted, ${arrived.size} delivered, ${doubled.length} doubled`);
    expect(traffic.accepted.filter(({ body }) => !arrived.has(body))).toEqual([]);
    expect(doubled).toEqual([]);
    expect((await stored(String(urls[0]))).filter(({ possiblyDuplicated }) => possiblyDuplicated)).toEqual([]);
    expectOrder(traffic.accepted);
  },
  120_000,
);
