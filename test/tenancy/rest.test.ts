import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { table } from '../../src/contract/operations/table.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { type Call, ownSid, type Place, places, twin } from './rest-walk.ts';
import { clientsOf, roles } from './roles.ts';
import { difference, leaks, rowsOf, type StoredRow } from './rows.ts';
import { canariesOf, createWorld, unknownSid, type World } from './world.ts';

let gateway: TestGateway;
/** The victim, whose data nobody may see. */
let a: World;
/** Who looks for it, with a world of their own. */
let b: World;
let canaries: string[];

beforeAll(async () => {
  gateway = await createTestGateway();
  a = await createWorld(gateway);
  b = await createWorld(gateway);
  canaries = await canariesOf(gateway, a, b);
});
afterAll(() => gateway.close());

/** An answer without its headers, with the text that was asked for taken out. */
async function ask(rest: Provider['rest'], { method, path, body }: Call, target: string) {
  const { status, body: answer } = await rest.request(method, path, { body });
  const text = JSON.stringify({ status, answer });
  return { answer, text: text.replaceAll(target, '<target>').replaceAll(encodeURIComponent(target), '<target>') };
}

describe('the walk', () => {
  test('covers every operation of the table', () => {
    const missed = table.filter(({ operation }) => !places.some((place) => place.operation === operation));
    expect(missed.map(({ operation }) => operation)).toEqual(['createEnterprise']);
    expect(places.filter(({ sidOf }) => sidOf).length).toBeGreaterThan(50);
  });

  test('gets as far as the sid everywhere: the result for its own sid differs from that for an unknown one', async () => {
    const world = await createWorld(gateway);
    // What takes something away comes last.
    const rank = ({ operation }: Place) => ['deleteBot', 'deleteMapping', 'deleteEnterprise'].indexOf(operation);
    const canonical = places.filter(({ isCanonical, sidOf }) => isCanonical && sidOf);
    for (const { name, sidOf = '', call } of canonical.sort((one, other) => rank(one) - rank(other))) {
      const [own, unknown] = [ownSid(world, sidOf), unknownSid(sidOf)];
      const found = await ask(world.provider.rest, call(world, own), own);
      const nothing = await ask(world.provider.rest, call(world, unknown), unknown);
      expect(found.text, name).not.toBe(nothing.text);
      // It has a bot already, and mappings.
      expect(found.answer.errorCode ?? 'done', name).toMatch(/^(done|483|4052)$/);
    }
  });
});

describe.each(roles)('to $name', ({ credentials, mayWrite }) => {
  let client: Provider['rest'];
  const rest = () => client;
  let before: StoredRow[];
  beforeAll(async () => {
    client = clientsOf(gateway, await credentials(gateway, b.provider)).rest;
    before = await rowsOf(gateway.database.pool);
  });

  test('no list shows anything', async () => {
    for (const { operation, path, aliases } of table.filter(({ query }) => query)) {
      for (const one of [path, ...aliases])
        expect(leaks(canaries, '', (await rest().get(`${one}?pageSize=1000`)).body), operation).toEqual([]);
    }
  });

  test('a foreign sid or text has the same result as an unknown one, everywhere', { timeout: 60_000 }, async () => {
    for (const { name, isCanonical, sidOf, call } of places) {
      const foreign = sidOf ? (a.sids[sidOf] ?? []) : a.texts;
      for (const text of isCanonical ? foreign : foreign.slice(0, 1)) {
        const unknown = sidOf ? unknownSid(sidOf) : text.replace(/[a-f\d]/g, '0');
        const asked = call(b, text);
        const one = await ask(rest(), asked, text);
        const other = await ask(rest(), twin(asked, text, unknown), unknown);
        expect(leaks(canaries, text, one.answer), `${name} ${text}`).toEqual([]);
        expect(one.text, `${name} ${text}`).toBe(other.text);
      }
    }
  });

  test('an idempotency key counts as unused, whatever it was used for', async () => {
    const [mapping] = a.deeds.filter(({ mutation }) => mutation === 'createMapping');
    const { idempotencyKey, ...body } = mapping?.input ?? {};
    const answer = await rest().post('/msteams/mappings', body, { 'idempotency-key': String(idempotencyKey) });
    if (!mayWrite) expect(answer.body).toEqual({ errorCode: '403', message: 'Forbidden' });
    else expect(answer.body).toEqual({ errorCode: '4051', message: 'Enterprise not found', data: body.enterpriseSid });
  });

  test('nothing of it changes', async () => {
    const changed = difference(before, await rowsOf(gateway.database.pool));
    expect(changed.filter(({ text }) => !text.includes(b.provider.organizationSid))).toEqual([]);
  });
});
