import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { acceptMessage } from '../../src/domain/messages/message-log.ts';
import { advanceStatus } from '../../src/domain/messages/status-reports.ts';
import { createLiveGateway, type LiveGateway } from '../support/live.ts';
import type { Reader } from '../support/reader.ts';
import { graphqlSse, type Place } from '../support/transports.ts';
import { narrowedRoles, roles, withoutSecrets } from './roles.ts';
import { leaks } from './rows.ts';
import { type Position, walk } from './walk.ts';
import { canariesOf, createWorld, unknownSid, type World } from './world.ts';

let gateway: LiveGateway;
/** The victim, whose events nobody may see. */
let a: World;
/** Who listens for them, with a world of their own. */
let b: World;
let canaries: string[];
let positions: readonly Position[];

beforeAll(async () => {
  gateway = await createLiveGateway({ live: { pollMs: 100, idleMs: 200 } });
  a = await createWorld(gateway);
  b = await createWorld(gateway);
  canaries = await canariesOf(gateway, a, b);
  const { data } = await b.provider.graph<IntrospectionQuery>(getIntrospectionQuery());
  positions = walk(buildClientSchema(data), (type) => b.sids[type]?.[0] ?? '').positions.filter(
    ({ operation }) => operation === 'subscription',
  );
});
afterAll(() => gateway.close());

const listen = (provider: Place['provider'], document: string, target: string) =>
  graphqlSse.subscribe({ url: gateway.url, provider }, document, { target });
const hasBegun = (reader: Reader) =>
  reader.until(({ updates, errors, ended }) => updates.length > 0 || errors.length > 0 || ended !== undefined);
const unfiltered =
  'subscription { messageEvents { __typename ... on Bookmark { cursor } ... on MessageEvent { cursor message { sid body } } } }';

/** A new message of a world's mapping, its first or its second. @returns its sid */
async function accept({ provider: { organizationSid, accountSid }, sids, texts }: World, index = 0): Promise<string> {
  const [enterpriseSid = '', mappingSid = ''] = [sids.Enterprise?.[index], sids.Mapping?.[index]];
  const [body = '', from = ''] = index === 0 ? texts : ['Hello', 'second'];
  const message = { organizationSid, accountSid, enterpriseSid, mappingSid, direction: 'INBOUND', from, to: '+15550100', body } as const;
  const stored = await acceptMessage(gateway.database.sql, { ...message, lane: `tenancy ${mappingSid}` });
  gateway.live.wake(organizationSid);
  return stored?.sid ?? '';
}

/** What a stream told, bookmarks aside: they come as time passes. */
function told({ updates, errors, ended }: Reader, target: string): string {
  const events = updates.filter((update) => update.__typename !== 'Bookmark');
  return JSON.stringify({ events, errors, ended }).replaceAll(target, '<target>');
}

/** Who listens for the first enterprise of the victim's. */
const listeners = [
  ...roles.map(({ name, mayReadSecrets, credentials }) => ({
    ...{ name, mayReadSecrets, credentials: () => credentials(gateway, b.provider) },
    ...{ canaries: () => canaries, mine: () => accept(b) },
  })),
  ...narrowedRoles.map(({ name, isAdmin, credentials }) => ({
    ...{ name: `${name}, the other of the two,`, mayReadSecrets: !isAdmin, credentials: () => credentials(a) },
    // Of its organization it knows much else.
    ...{ canaries: () => [...a.texts, ...a.secrets], mine: () => accept(a, 1) },
  })),
];

describe.each(listeners)('to $name a subscription', ({ credentials, mayReadSecrets, canaries, mine: acceptOwn }) => {
  test('to a foreign sid has the same result as one to an unknown sid, and receives none of its events', async () => {
    const b = await credentials();
    const message = await accept(a);
    const probes = positions.flatMap(({ name, document, holds }) => {
      if (typeof holds !== 'object') return [];
      const foreign = holds.sidOf === 'Message' ? message : (a.sids[holds.sidOf]?.[0] ?? '');
      return [{ name, document: mayReadSecrets ? document : withoutSecrets(document), foreign, unknown: unknownSid(holds.sidOf) }];
    });
    expect(probes.length).toBeGreaterThanOrEqual(4);
    // An import has no messages, and neither has a bot.
    const own = probes
      .filter(({ name }) => !/mappingImport|botHealth/.test(name))
      .map(({ document, foreign }) => listen(a.provider, document, foreign));
    const pairs = probes.map((probe) => ({
      ...probe,
      one: listen(b, probe.document, probe.foreign),
      other: listen(b, probe.document, probe.unknown),
    }));
    const everything = listen(b, unfiltered, '');
    const all = [everything, ...own, ...pairs.flatMap(({ one, other }) => [one, other])];
    await Promise.all(all.map(hasBegun));

    await advanceStatus(gateway.database.prisma, message, { status: 'SENT' });
    gateway.live.wake(a.provider.organizationSid);
    await Promise.all(own.map((reader) => reader.until(({ updates }) => JSON.stringify(updates).includes('"SENT"'))));
    const mine = await acceptOwn();
    await everything.until(({ updates }) => JSON.stringify(updates).includes(mine));

    for (const { name, foreign, unknown, one, other } of pairs) {
      expect(leaks([...canaries(), message], foreign, [one.updates, one.errors]), name).toEqual([]);
      expect(told(one, foreign), name).toBe(told(other, unknown));
    }
    expect(leaks([...canaries(), message], '', [everything.updates, everything.errors])).toEqual([]);
    for (const reader of all) reader.close();
  });
});

describe('a subscription', () => {
  test('after a foreign cursor reveals nothing', async () => {
    const { data } = await a.provider.graph('{ messageEvents(first: 1) { pageInfo { endCursor } } }');
    const cursor: string = data.messageEvents.pageInfo.endCursor;
    const places = positions.filter(({ holds }) => holds === 'cursor');
    expect(places.length).toBeGreaterThan(0);
    for (const { name, document } of places) {
      const reader = await hasBegun(listen(b.provider, document, cursor));
      expect(leaks(canaries, cursor, [reader.updates, reader.errors]), name).toEqual([]);
      expect(reader.updates.filter((update) => update.__typename !== 'Bookmark')).toEqual([]);
      reader.close();
    }
  });

  test('takes no other text', () => {
    expect(positions.filter(({ holds }) => holds !== 'cursor' && typeof holds !== 'object')).toEqual([]);
  });
});
