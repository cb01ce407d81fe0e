import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAlike } from '../../src/execution/alike.ts';
import { done, newEnterprise } from '../parity/faces.ts';
import { createTestDatabase } from '../support/database.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { type BothWays, bothWays, isPacked, overheard } from './both-ways.ts';

let gateway: TestGateway;
let ways: BothWays;
let asked: string[];
let provider: Provider;
/** Called with each packed read's rows, before they are returned. */
let held: (() => Promise<void>) | undefined;

beforeAll(async () => {
  const overhears = overheard(await createTestDatabase());
  ({ asked } = overhears);
  const { sql } = overhears.database;
  const readTogether: typeof sql.readTogether = async (statement) => {
    const rows = await sql.readTogether<never>(statement);
    if (isPacked(statement.text)) await held?.();
    return rows;
  };
  gateway = await createTestGateway({ database: { ...overhears.database, sql: { ...sql, readTogether } } });
  provider = await gateway.provider();
  ways = await bothWays(gateway);
});
afterAll(async () => {
  await ways.close();
  await gateway.close();
});

const query = '{ enterprises(first: 100) { totalCount nodes { name } } }';
const names = async ({ accountSid, authToken }: Pick<Provider, 'accountSid' | 'authToken'> = provider): Promise<string[]> => {
  const { body } = await ways.short({ user: accountSid, password: authToken }, { query });
  return JSON.parse(body).data.enterprises.nodes.map(({ name }: { name: string }) => name);
};
const create = (who: Provider, name: string) => done(who, 'createEnterprise', newEnterprise({ name }));

test('pages that are asked for alike at the same time are read together', async () => {
  await create(provider, 'one');
  for (const _known of [1, 2, 3]) await names();
  asked.length = 0;
  const answers = await Promise.all(Array.from({ length: 60 }, () => names()));
  expect(answers).toEqual(Array(60).fill(['one']));
  expect(asked.filter(isPacked).length).toBeLessThan(60);
});

test('a page that is asked for after a change shows the change, while the page of before is still being read', async () => {
  let release = () => {};
  let began = () => {};
  const isHeld = new Promise<void>((resolve) => {
    began = resolve;
  });
  held = () =>
    new Promise((resolve) => {
      held = undefined;
      release = resolve;
      began();
    });
  const before = names();
  await isHeld;
  await create(provider, 'two');
  const after = names();
  expect(await after).toEqual(['one', 'two']);
  release();
  expect(await before).toEqual(['one']);
});

test('each tenant gets its own page, even if others send an equal request at the same time', async () => {
  const other = await gateway.provider();
  await create(other, 'theirs');
  for (const _known of [1, 2, 3]) await names(other);
  const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => names(at % 2 ? other : provider)));
  for (const [at, answer] of answers.entries()) expect(answer).toEqual(at % 2 ? ['theirs'] : ['one', 'two']);
});

test('an enterprise’s admin gets the page of its own reach, while its provider asks alike', async () => {
  const input = newEnterprise({ name: 'three' });
  const { admin } = await done(provider, 'createEnterprise', input);
  const ofAdmin = { accountSid: admin.sid, authToken: (input.enterpriseAdmin as { password: string }).password };
  for (const _known of [1, 2, 3]) await names(ofAdmin);
  const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => names(at % 2 ? ofAdmin : provider)));
  for (const [at, answer] of answers.entries()) expect(answer).toEqual(at % 2 ? ['three'] : ['one', 'two', 'three']);
});

test('after work that fails, or whose result is its own, each request runs its own', async () => {
  const alike = createAlike<string>((result) => result === 'own');
  const failing = async () => {
    throw new Error('its client has gone');
  };
  const failed = alike('failing', failing);
  const others = [alike('failing', async () => 'a'), alike('failing', async () => 'b')];
  await expect(failed).rejects.toThrow('its client has gone');
  expect(await Promise.all(others)).toEqual(['a', 'b']);
  expect(await Promise.all(['own', 'c', 'd'].map((result) => alike('own', async () => result)))).toEqual(['own', 'c', 'd']);
});

test('a request does not wait for slow work of before, and the 51st for no more than fifty', async () => {
  const alike = createAlike<number>(() => false);
  let release = (_result: number) => {};
  const slow = alike('key', () => new Promise((resolve) => (release = resolve)));
  let runs = 0;
  const quick = async () => {
    runs += 1;
    return runs;
  };
  await new Promise(setImmediate);
  expect(await alike('key', quick)).toBe(1);
  const many = await Promise.all(Array.from({ length: 120 }, () => alike('key', quick)));
  expect(new Set(many)).toEqual(new Set([2, 3, 4]));
  release(0);
  expect(await slow).toBe(0);
});
