import { afterAll, beforeAll, expect, test } from 'vitest';
import { authorizationOf } from '../support/credentials.ts';
import { walk } from '../tenancy/walk.ts';
import { type Dice, encodedText, headersFor, hostileJson, hostileText, noJson } from './hostile.ts';
import { coordinatesOf } from './operations.ts';
import { graphRequest, requestOf, restRequest, told } from './requests.ts';
import { fuzz, isLong, timeoutOf } from './runs.ts';
import { createFuzzWorld, type FuzzWorld } from './world.ts';

// In CI some hundred requests of each kind; `npm run fuzz` sends them for minutes.

let world: FuzzWorld;
let heapBefore: number;
const reached = new Set<string>();
const documents = new Set<string>();

beforeAll(async () => {
  world = await createFuzzWorld();
});
afterAll(async () => {
  if (isLong) {
    const all = coordinatesOf(world.schema);
    const missed = [...all].filter((coordinate) => !reached.has(coordinate));
    console.log(
      `${world.judge.report()}\noperations: ${documents.size} distinct, ${all.size - missed.length} of ${all.size} coordinates of the schema reached`,
    );
    if (missed.length > 0) console.log(`not reached: ${missed.join(' ')}`);
  }
  await world.close();
});

/** Takes the first of everything. */
const first = { pick: ([one]: readonly unknown[]) => one, chance: () => true } as unknown as Dice;
const PEER = { remoteAddress: '127.0.0.1' };

test('a NUL or half a character in any text of the schema is a client error, never a fault', {
  timeout: 60_000,
}, async () => {
  const { schema, provider, judge, app } = world;
  const { positions } = walk(schema, (type) => world.own(`${type}Sid`, first));
  const authorization = authorizationOf({ user: provider.accountSid, password: provider.authToken });
  for (const { name, operation, document } of positions) {
    for (const target of ['a\0b', 'a\ud800']) {
      const headers = {
        authorization,
        'content-type': 'application/json',
        ...(operation === 'subscription' && { accept: 'text/event-stream' }),
      };
      const body = JSON.stringify({ query: document, variables: { target } });
      const request = new Request('http://gateway.test/graphql', { method: 'POST', headers, body });
      await judge.calmly(name, async () => void (await judge.graph(name, await app.fetch(request, PEER))));
    }
  }
  expect(positions.length).toBeGreaterThan(50);
});

test('any operation sent to the graph gets a response in its form, and never an internal error', {
  timeout: timeoutOf(0.5),
}, async () => {
  const { judge, refresh } = world;
  await fuzz({ short: 600, share: 0.5, between: refresh }, async (dice) => {
    const sent = graphRequest(world, dice);
    const app = dice.chance(0.85) ? world.app : dice.pick([world.trusting, world.production]);
    let hasRun = false;
    await judge.calmly(told(sent), async () => {
      hasRun = await judge.graph(told(sent), await app.fetch(requestOf(sent), PEER));
    });
    if (!hasRun || app !== world.app) return;
    documents.add(sent.operation?.query ?? '');
    for (const coordinate of sent.operation?.touched ?? []) reached.add(coordinate);
  });
  expect(reached.size).toBeGreaterThan(0);
});

test('any request to the contract gets a response that its OpenAPI document describes', { timeout: timeoutOf(0.35) }, async () => {
  const { judge, app, refresh } = world;
  await fuzz({ short: 500, share: 0.35, between: refresh }, async (dice) => {
    const sent = restRequest(world, dice);
    const request = requestOf(sent);
    const url = new URL(request.url);
    await judge.calmly(told(sent), async () => judge.rest(told(sent), sent.method, url, await app.fetch(request, PEER)));
  });
});

test('any request to the webhooks, the stand-ins and unknown paths is refused or accepted, and never an internal error', {
  timeout: timeoutOf(0.15),
}, async () => {
  const { judge, app } = world;
  await fuzz({ short: 200, share: 0.15, between: world.refresh }, async (dice) => {
    const send = dice.pick([toRestcomm, toBot, toStandIn, elsewhere]);
    await send(dice, (face, sent, statuses) =>
      judge.calmly(told(sent), async () => judge.other(face, told(sent), await app.fetch(requestOf(sent), PEER), statuses)),
    );
  });
});

type Send = (face: string, sent: Parameters<typeof told>[0], statuses: readonly number[]) => Promise<void>;

const FORM = ['SmsSid', 'MessageSid', 'From', 'To', 'Body', 'MediaUrl0', 'MessageStatus', 'SmsStatus', 'ErrorCode', '__proto__'];
const STATUSES = ['sent', 'delivered', 'failed', 'undelivered', 'read', 'sending', 'null', 'DELIVERED'];

async function toRestcomm(dice: Dice, send: Send): Promise<void> {
  let path = dice.pick(world.webhooks);
  if (dice.chance(0.1)) path = path.replace(/restcomm\/.*?\//, `restcomm/${dice.draw(encodedText).slice(0, 200)}/`);
  if (dice.chance(0.1)) path = path.replace(/(\?message=.*)?$/, `?message=${dice.draw(encodedText).slice(0, 5000)}`);
  const pairs = FORM.filter(() => dice.chance(0.6)).map((name) => {
    const isStatus = /Status$/.test(name) && dice.chance(0.8);
    const value = isStatus ? dice.pick(STATUSES) : dice.chance(0.4) ? encodeURIComponent(world.own('to', dice)) : dice.draw(encodedText);
    return `${name}=${value}`;
  });
  const method = dice.chance(0.05) ? dice.pick(['PUT', 'DELETE', 'OPTIONS']) : 'POST';
  const headers = headersFor(dice, { 'content-type': 'application/x-www-form-urlencoded' });
  const body = dice.chance(0.05) ? dice.draw(noJson) : pairs.join('&');
  await send('restcomm', { method, path, headers, body }, [200, 400, 404, 405, 413]);
}

async function toBot(dice: Dice, send: Send): Promise<void> {
  const { microsoft, bot } = world;
  const user = microsoft.users[0] ?? microsoft.addUser({ tenantId: bot.tenantId });
  const right = microsoft.activityFrom(bot, user, dice.chance(0.5) ? 'Hello' : dice.draw(hostileText));
  const pairs = Object.entries(right).map(
    ([name, value]) => `${JSON.stringify(name)}:${dice.chance(0.08) ? dice.draw(hostileJson) : JSON.stringify(value)}`,
  );
  if (dice.chance(0.2)) pairs.push(`${dice.pick(['"__proto__"', '"attachments"', '"text"', '"serviceUrl"'])}:${dice.draw(hostileJson)}`);
  const claims = dice.chance(0.15)
    ? { [dice.pick(['aud', 'iss', 'exp', 'nbf', 'serviceurl'])]: dice.pick(['__proto__', 'a\0b', -1, null, [], {}]) }
    : undefined;
  const header = dice.chance(0.1) ? { kid: dice.draw(hostileText).toWellFormed() } : undefined;
  const signed = await microsoft.signActivity(right, { claims, header });
  const [head = '', , signature = ''] = signed.split('.');
  const authorization = dice.chance(0.85)
    ? signed
    : dice.pick([
        `${head}.e30.${signature}`,
        'Bearer eyJhbGciOiJub25lIn0.e30.',
        'Bearer ....',
        'Bearer',
        `Bearer ${'a'.repeat(20_000)}.b.c`,
      ]);
  const body = dice.chance(0.08) ? dice.draw(noJson) : `{${pairs.join(',')}}`;
  const headers = { 'content-type': 'application/json', authorization };
  await send('bot', { method: dice.chance(0.05) ? 'PUT' : 'POST', path: '/api/messages', headers, body }, [200, 400, 403, 405, 413]);
}

async function toStandIn(dice: Dice, send: Send): Promise<void> {
  const names = ['from', 'to', 'body', 'mediaUrls', 'microsoftAddress', 'text', '__proto__'].filter(() => dice.chance(0.8));
  const pairs = names.map(
    (name) =>
      `"${name}":${dice.chance(0.4) ? dice.draw(hostileJson) : JSON.stringify(dice.chance(0.3) ? dice.draw(hostileText) : world.own(name, dice))}`,
  );
  const path = `/stand-in/${dice.chance(0.05) ? dice.draw(encodedText).slice(0, 500) : dice.pick(['sms', 'teams'])}`;
  const headers = headersFor(dice, { 'content-type': 'application/json', authorization: dice.pick(world.authorizations) });
  const body = dice.chance(0.08) ? dice.draw(noJson) : `{${pairs.join(',')}}`;
  await send('stand-in', { method: dice.chance(0.05) ? 'PUT' : 'POST', path, headers, body }, [200, 400, 401, 403, 404, 405, 409, 413]);
}

async function elsewhere(dice: Dice, send: Send): Promise<void> {
  const path = dice.pick([
    '/',
    '/health/live',
    '/health/ready',
    '/health/',
    '/webhooks/restcomm/',
    '/api/messages/',
    `/${dice.draw(encodedText).slice(0, 500)}`,
  ]);
  const method = dice.pick(['GET', 'HEAD', 'POST', 'OPTIONS', 'DELETE']);
  const body = method === 'POST' || method === 'DELETE' ? dice.draw(noJson) : undefined;
  await send('elsewhere', { method, path, headers: headersFor(dice, {}), body }, [200, 302, 400, 401, 403, 404, 405]);
}

test('memory does not grow with the number of requests', { timeout: timeoutOf(0.2) }, async () => {
  const { judge, app } = world;
  const once = async (dice: Dice) => {
    const sent = dice.chance(0.5) ? graphRequest(world, dice) : restRequest(world, dice);
    const response = await app.fetch(requestOf(sent), PEER);
    if (response.headers.get('content-type')?.startsWith('text/event-stream')) await judge.graph(told(sent), response);
    else await response.arrayBuffer();
  };
  await fuzz({ short: 100, share: 0.05 }, once);
  heapBefore = judge.heap();
  await fuzz({ short: 200, share: 0.15 }, once);
  const grown = judge.heap() - heapBefore;
  if (isLong) console.log(`heap: ${Math.round(heapBefore / 1e6)} MB, and ${(grown / 1e6).toFixed(1)} MB more at the end`);
  expect(grown).toBeLessThan(40e6);
});
