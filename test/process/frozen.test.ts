import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createTestPlace, type TestPlace } from '../support/database.ts';
import { until } from '../support/exchange.ts';
import { AUTHORIZATION, GatewayProcess } from './gateway-process.ts';
import { createSurroundings, freePort, type Surroundings } from './traffic.ts';

let place: TestPlace;
let surroundings: Surroundings;
const started: GatewayProcess[] = [];

beforeAll(async () => {
  if (!inject('postgres')) return;
  [place, surroundings] = await Promise.all([createTestPlace('migrated'), createSurroundings()]);
});
afterAll(async () => {
  await Promise.all(started.map((gateway) => gateway.end('SIGKILL')));
  await surroundings?.close();
  await place?.remove();
});

async function start(): Promise<{ gateway: GatewayProcess; url: string }> {
  const port = await freePort();
  const address = { PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}` };
  const gateway = new GatewayProcess({ ...surroundings.env, ...address, DATABASE_URL: String(place.settings.databaseUrl) });
  started.push(gateway);
  return { gateway, url: await gateway.listening() };
}

async function ask(url: string, query: string, variables: object = {}) {
  const headers = { authorization: AUTHORIZATION, 'content-type': 'application/json' };
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  const { data, errors } = await response.json();
  return { status: response.status, data, errors };
}

const SEND = 'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { ... on SendMessageSuccess { sentMessage { sid } } } }';
const FREEZES = 10;
/** PostgreSQL ends a transaction that idles for 1.5 s. The rest is for a busy machine; a lane's lease is 15 s. */
const LONGEST_MS = 6000;

test.runIf(inject('postgres'))(
  'a gateway that freezes at any moment holds up no message that another one accepts, and loses none of its own',
  async () => {
    const [freezing, other] = await Promise.all([start(), start()]);
    await surroundings.populate(other.url, 3);
    const { data, errors } = await ask(other.url, '{ mappings(first: 3) { nodes { sid } } }');
    expect(errors, JSON.stringify(errors)).toBeUndefined();
    const mappings: string[] = data.mappings.nodes.map(({ sid }: { sid: string }) => sid);
    const accepted: string[] = [];
    const waits: number[] = [];
    let stopped = false;
    const writeTo = async (url: string, name: string, sent: (ms: number) => void) => {
      for (let count = 0; !stopped; count += 1) {
        const body = `${name} #${count}`;
        const since = performance.now();
        const input = { mappingSid: mappings[count % mappings.length], to: `+4930777${count % 10}1`, body };
        const answer = await ask(url, SEND, { input });
        expect(answer, name).toMatchObject({ status: 200, data: { sendMessage: { sentMessage: { sid: expect.any(String) } } } });
        sent(performance.now() - since);
        accepted.push(body);
      }
    };
    const others = Array.from({ length: 4 }, (_, index) => writeTo(other.url, `other ${index}`, (ms) => waits.push(ms)));
    const own = Array.from({ length: 4 }, (_, index) => writeTo(freezing.url, `freezing ${index}`, () => {}));
    for (let freeze = 0; freeze < FREEZES; freeze += 1) {
      // Any moment will do; that it is no particular one is the point.
      await delay(100 + Math.random() * 300);
      freezing.gateway.child.kill('SIGSTOP');
      const before = waits.length;
      await delay(1800);
      await until(async () => waits.length > before);
      freezing.gateway.child.kill('SIGCONT');
    }
    stopped = true;
    await Promise.all([...others, ...own]);
    const queued = async () => (await ask(other.url, '{ messages(first: 1, filter: { statuses: [QUEUED] }) { totalCount } }')).data;
    await until(async () => (await queued()).messages.totalCount === 0, 90_000);
    const arrived = surroundings.restcomm.messages.flatMap(({ direction, body }) => (direction === 'outbound-api' ? [body] : []));
    console.log(`${accepted.length} accepted; the longest send at the other gateway took ${Math.round(Math.max(...waits))} ms`);
    expect(arrived.toSorted()).toEqual(accepted.toSorted());
    expect(Math.max(...waits)).toBeLessThan(LONGEST_MS);
  },
  180_000,
);
