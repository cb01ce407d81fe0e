import {
  buildClientSchema,
  type DocumentNode,
  type GraphQLSchema,
  getIntrospectionQuery,
  type IntrospectionQuery,
  isObjectType,
  parse,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accountSid } from '../../src/domain/values/sid.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { clientsOf, roles, withoutSecrets } from './roles.ts';
import { difference, leaks, rowsOf, type StoredRow } from './rows.ts';
import { type Position, type Walk, walk } from './walk.ts';
import { canariesOf, createWorld, documentOf, prefixes, unknownSid, type World } from './world.ts';

let gateway: TestGateway;
/** The victim, whose data nobody may see. */
let a: World;
/** Who looks for it, with a world of their own. */
let b: World;
let canaries: string[];
let schema: GraphQLSchema;

beforeAll(async () => {
  gateway = await createTestGateway();
  a = await createWorld(gateway);
  b = await createWorld(gateway);
  canaries = await canariesOf(gateway, a, b);
  const { data } = await b.provider.graph<IntrospectionQuery>(getIntrospectionQuery());
  schema = buildClientSchema(data);
});
afterAll(() => gateway.close());

const walkOf = (world: World): Walk => walk(schema, (type) => world.sids[type]?.[0] as string);

/** A foreign value of a position and its twin that names nothing. */
interface Probe {
  readonly foreign: string;
  readonly unknown: string;
}

const globalId = (type: string, sid: string) => Buffer.from(`${type}:${sid}`).toString('base64');

function probes({ holds }: Position, world: World): Probe[] {
  if (holds === 'text') return world.texts.map((foreign) => ({ foreign, unknown: foreign.replace(/[a-f\d]/g, '0') }));
  if (holds === 'cursor') return [];
  const pairs = (type: string) => (world.sids[type] ?? []).map((foreign) => ({ type, foreign, unknown: unknownSid(type) }));
  if (typeof holds === 'object') return pairs(holds.sidOf);
  return Object.keys(prefixes)
    .flatMap(pairs)
    .map(({ type, foreign, unknown }) => ({ foreign: globalId(type, foreign), unknown: globalId(type, unknown) }));
}

/** An answer without its headers, with the value that was asked for taken out. */
async function ask(graph: Provider['graph'], document: string, target: string) {
  const { status, data, errors } = await graph(document, { target });
  return { answer: { status, data, errors }, text: JSON.stringify({ status, data, errors }).replaceAll(target, '<target>') };
}

describe('the walk', () => {
  test('sends valid operations, which select every field of every type', () => {
    const { positions, openQueries } = walkOf(b);
    const selected = new Set<string>();
    const collect = (document: DocumentNode) => {
      const info = new TypeInfo(schema);
      visit(
        document,
        visitWithTypeInfo(info, {
          Field: ({ name }) => {
            selected.add(`${info.getParentType()?.name}.${name.value}`);
          },
        }),
      );
    };
    for (const { document } of [...positions, ...openQueries]) {
      const parsed = parse(document);
      expect(validate(schema, parsed)).toEqual([]);
      collect(parsed);
    }
    const types = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) && !type.name.startsWith('__'));
    const all = types.flatMap((type) => (isObjectType(type) ? Object.keys(type.getFields()).map((field) => `${type.name}.${field}`) : []));
    expect(all.filter((coordinate) => !selected.has(coordinate))).toEqual([]);
  });

  test('reaches all data of its caller', async () => {
    const answers = [];
    for (const { document } of walkOf(a).openQueries) {
      const { data, errors } = await a.provider.graph(document);
      expect(errors).toBeUndefined();
      answers.push(data);
    }
    expect(new Set(leaks(a.visible, '', answers))).toEqual(new Set(a.visible));
  });

  test('finds its own objects at every place that takes a sid or a global id', { timeout: 60_000 }, async () => {
    for (const position of walkOf(a).positions.filter(
      ({ operation, holds }) => operation === 'query' && (typeof holds === 'object' || holds === 'global id'),
    )) {
      const [found, nothing] = await Promise.all([
        Promise.all(probes(position, a).map(({ foreign }) => ask(a.provider.graph, position.document, foreign))),
        ask(a.provider.graph, position.document, probes(position, a)[0]?.unknown as string),
      ]);
      expect(found.filter(({ text }) => text !== nothing.text).length, position.name).toBeGreaterThan(0);
    }
  });

  test('gets as far as the sid in every mutation: the result for its own sid differs from that for an unknown one', async () => {
    const world = await createWorld(gateway);
    // A filter that names nothing is no error.
    const places = walkOf(world).positions.filter(
      ({ operation, holds, name }) => operation === 'mutation' && typeof holds === 'object' && !name.includes('.filter.'),
    );
    expect(places.length).toBeGreaterThanOrEqual(10);
    // What takes something away comes last, and with an enterprise its mappings go, with its token the caller.
    const rank = ({ name }: Position) => [/\.delete/, /\.close/, /\.rotateAccount/].findIndex((pattern) => pattern.test(name));
    for (const position of places.sort((one, other) => rank(one) - rank(other))) {
      const [probe] = probes(position, world);
      const nothing = await ask(world.provider.graph, position.document, probe?.unknown as string);
      const found = await ask(world.provider.graph, position.document, probe?.foreign as string);
      expect(nothing.text, position.name).toContain('"NotFoundError"');
      expect(found.text, position.name).not.toMatch(/"NotFoundError"|"InvalidInputError"/);
      expect(found.answer.errors, position.name).toBeUndefined();
    }
  });
});

describe.each(roles)('to $name', ({ credentials, mayWrite, mayReadSecrets }) => {
  let graph: Provider['graph'];
  let before: StoredRow[];
  beforeAll(async () => {
    const client = clientsOf(gateway, await credentials(gateway, b.provider)).graph;
    graph = (document, variables) => client(mayReadSecrets ? document : withoutSecrets(document), variables);
    before = await rowsOf(gateway.database.pool);
  });

  test('no query without mandatory arguments shows anything', async () => {
    for (const { name, document } of walkOf(b).openQueries) {
      const { data, errors } = await graph(document);
      expect(leaks(canaries, document, { data, errors }), name).toEqual([]);
    }
  });

  test('a foreign sid, global id or text has the same result as an unknown one, everywhere', { timeout: 60_000 }, async () => {
    for (const position of walkOf(b).positions.filter(
      ({ operation, holds }) => operation === 'query' || (operation === 'mutation' && typeof holds === 'object'),
    )) {
      for (const { foreign, unknown } of probes(position, a)) {
        const one = await ask(graph, position.document, foreign);
        const other = await ask(graph, position.document, unknown);
        expect(leaks(canaries, foreign, one.answer), `${position.name} ${foreign}`).toEqual([]);
        expect(one.text, `${position.name} ${foreign}`).toBe(other.text);
      }
    }
  });

  test('a foreign cursor is a position and reveals nothing', async () => {
    const lists = ['enterprises', 'mappings', 'bots', 'messages'];
    const { data } = await a.provider.graph(`{ ${lists.map((list) => `${list} { pageInfo { endCursor } }`).join(' ')} }`);
    const cursors: string[] = lists.map((list) => data[list].pageInfo.endCursor);
    const places = walkOf(b).positions.filter(({ operation, holds }) => operation === 'query' && holds === 'cursor');
    expect(places.length).toBeGreaterThanOrEqual(2 * lists.length);
    for (const { name, document } of places) {
      for (const cursor of cursors) expect(leaks(canaries, cursor, (await ask(graph, document, cursor)).answer), name).toEqual([]);
    }
  });

  test('an idempotency key counts as unused, whatever it was used for', async () => {
    for (const deed of a.deeds) {
      const { data, errors } = await graph(documentOf(deed), { input: deed.input });
      // An admin's account is named by the e-mail, which the request itself said.
      const { email } = (deed.input.enterpriseAdmin ?? {}) as { email?: string };
      const said = { ...deed.input, named: email && accountSid(email) };
      expect(leaks(canaries, said, { data, errors }), deed.mutation).toEqual([]);
      if (!mayWrite && deed.mutation !== 'createAccessToken') expect(errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
      else expect(data.made.__typename).toBe(deed.mutation === 'createEnterprise' ? 'CreateEnterpriseSuccess' : 'NotFoundError');
    }
  });

  test('nothing of it changes', async () => {
    const changed = difference(before, await rowsOf(gateway.database.pool));
    expect(changed.filter(({ text }) => text.includes(a.provider.organizationSid))).toEqual([]);
    expect(changed.filter(({ text }) => !text.includes(b.provider.organizationSid))).toEqual([]);
    // An idempotency key keeps the answer that it got, with the sid that was asked for.
    const kept = changed.filter(({ table }) => table !== 'idempotency_key');
    const foreign = Object.values(a.sids).flat();
    expect(kept.filter(({ text }) => foreign.some((sid) => text.includes(sid)))).toEqual([]);
  });
});
