import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { DOCUMENTED } from '../../fakes/microsoft-throttle.ts';
import { readyCustomer } from '../../support/bots.ts';
import { createTestExchange, type Person, type TestExchange, until } from '../../support/exchange.ts';

const PHONE = '+4917012345671';

let exchange: TestExchange;
beforeAll(async () => {
  exchange = await createTestExchange({ installs: true });
});
afterAll(() => exchange.close());
afterEach(() => {
  exchange.microsoft.rates = undefined;
  exchange.microsoft.throttled.length = 0;
});

const shownTo = ({ user }: Person) =>
  exchange.microsoft.activities.flatMap(({ objectId, text }) => {
    const [, line = ''] = String(text).split('\n');
    return objectId === user.objectId && line.startsWith('text ') ? [line] : [];
  });
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `text ${index}`);

test('Teams’ documented rates are never exceeded by one instance, and nothing is lost or out of order', async () => {
  const own = await exchange.customer();
  const other = await exchange.person(own);
  // What leaves at an interval may arrive at a slightly shorter one.
  exchange.microsoft.rates = { ...DOCUMENTED, thread: DOCUMENTED.thread.map(({ count, perMs }) => ({ count, perMs: perMs * 0.9 })) };
  const texts = numbered(12);
  const sids = [];
  for (const body of texts) sids.push(await exchange.text(own, own, PHONE, body), await exchange.text(own, other, PHONE, body));
  for (const sid of sids) expect(await exchange.ends(own.provider, sid, 'DELIVERED')).toMatchObject({ possiblyDuplicated: false });
  expect([shownTo(own), shownTo(other)]).toEqual([texts, texts]);
  expect(exchange.microsoft.throttled).toEqual([]);
});

test('where others use up the rates, refused requests follow later, once and in order', async () => {
  const own = await exchange.customer();
  const people = [own, await exchange.person(own), await exchange.person(own)];
  // Graph is asked again who they are.
  await exchange.gateway.prisma.mapping.updateMany({
    where: { enterpriseSid: own.enterpriseSid },
    data: { microsoftObjectId: null, microsoftChecked: null },
  });
  exchange.microsoft.rates = { thread: [{ count: 1, perMs: 400 }], graph: [{ count: 1, perMs: 700 }] };
  const texts = numbered(4);
  const sids = [];
  for (const body of texts) for (const person of people) sids.push(await exchange.text(own, person, PHONE, body));
  for (const sid of sids) expect(await exchange.ends(own.provider, sid, 'DELIVERED')).toMatchObject({ possiblyDuplicated: false });
  expect(people.map(shownTo)).toEqual([texts, texts, texts]);
  expect(new Set(exchange.microsoft.throttled)).toEqual(new Set(['activities', expect.stringMatching(/^users?$/)]));
});

test('more users than Graph serves in a second get the app all the same, as Graph asks', { timeout: 120_000 }, async () => {
  const { microsoft } = exchange;
  const own = await readyCustomer(exchange);
  const users = Array.from({ length: 40 }, () => microsoft.addUser({ tenantId: own.bot.tenantId, installed: false }));
  for (const user of users) await exchange.person(own, user);
  const left = { enterpriseSid: own.enterpriseSid, OR: [{ installed: null }, { installed: false }] };
  const allAreStored = () => until(async () => (await exchange.gateway.prisma.teamsInstallation.count({ where: left })) === 0);
  // An installation that is under way would end what is asked for below.
  await allAreStored();
  // A third of what is documented: an import is larger by more than that.
  microsoft.rates = { ...DOCUMENTED, graph: DOCUMENTED.graph.map(({ count, perMs }) => ({ count: count / 3, perMs })) };
  // Whichever requests those are that exceed it, some are installations.
  const tooMany = {
    status: 429,
    headers: { 'retry-after': '1' },
    body: { error: { code: 'TooManyRequests', message: 'Too many requests.' } },
  };
  microsoft.fault('install', { answer: tooMany, times: 3 });
  const again = users.slice(0, 30);
  for (const user of again) user.installed = false;
  await exchange.gateway.prisma.teamsInstallation.updateMany({
    where: { enterpriseSid: own.enterpriseSid, objectId: { in: again.map(({ objectId }) => objectId) } },
    data: { installed: null, due: new Date(), attempts: 0 },
  });
  await microsoft.until(() => users.every(({ installed }) => installed), 60_000);
  expect(microsoft.requests.filter(({ route, status }) => route === 'install' && status === 429).length).toBeGreaterThanOrEqual(3);
  await allAreStored();
});
