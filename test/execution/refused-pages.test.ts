import { parse } from 'graphql';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createContext } from '../../schema/context.ts';
import { schema } from '../../schema/index.ts';
import type { Caller } from '../../src/domain/caller.ts';
import { asText } from '../../src/execution/answers.ts';
import { prepareRun } from '../../src/execution/run.ts';
import { createTestDatabase } from '../support/database.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { type BothWays, bothWays, overheard } from './both-ways.ts';
import { makeLists } from './list-data.ts';

// Lists that are refused for what they would read: with bounds of a few rows, any search is too wide.

let gateway: TestGateway;
let ways: BothWays;
let asked: string[];
let provider: Provider;
let other: Provider;

beforeAll(async () => {
  const overhears = overheard(await createTestDatabase());
  ({ asked } = overhears);
  gateway = await createTestGateway({
    database: { ...overhears.database, sql: { ...overhears.database.sql, bounds: { page: 3, count: 3 } } },
  });
  [provider, other] = [await gateway.provider(), await gateway.provider()];
  await makeLists(gateway, provider);
  ways = await bothWays(gateway);
});
afterAll(async () => {
  await ways.close();
  await gateway.close();
});

const credentials = ({ accountSid, authToken }: Provider) => ({ user: accountSid, password: authToken });
const WIDE = '(first: 2, offset: 5, filter: { type: SMS })';

test.each([
  ['of its own', `{ messages${WIDE} { nodes { sid } } }`],
  ['within others', `{ enterprises { nodes { name messages${WIDE} { nodes { sid } } } } }`],
  [
    'within edges, by other names',
    `{ all: enterprises { rows: edges { cursor row: node { name wide: messages${WIDE} { nodes { sid } } } } } }`,
  ],
  [
    'two levels within others',
    `{ enterprises { nodes { sid mappings(first: 1) { edges { node { messages${WIDE} { totalCount edges { node { body } } } } } } } } }`,
  ],
  [
    'within others, by a fragment',
    `{ enterprises(orderBy: { field: DATE_CREATED, direction: DESC }) { nodes { ...Wide } } } fragment Wide on Enterprise { mappings { nodes { sid } } messages${WIDE} { nodes { sid } } }`,
  ],
])('a list %s that is too wide is refused as on the general path, and read once', async (_where, query) => {
  const { body } = await ways.same(credentials(provider), { query });
  expect(JSON.parse(body)).toMatchObject({ data: null, errors: [{ extensions: { code: 'SEARCH_TOO_WIDE' } }] });
  asked.length = 0;
  await ways.general(credentials(provider), { query });
  const once = asked.length;
  asked.length = 0;
  await ways.short(credentials(provider), { query });
  expect(asked.length).toBeLessThanOrEqual(once);
});

test.each([
  ['of its own', `{ messages${WIDE} { nodes { sid } } }`],
  ['within others', `{ enterprises { nodes { name messages${WIDE} { nodes { sid } } } } }`],
])('a list %s that is too wide is read once for all equal requests, and each of them is refused', async (_where, query) => {
  const run = prepareRun(schema, parse(query), undefined, asText, pino({ level: 'silent' }));
  const ask = ({ organizationSid, accountSid }: Provider, requestId: string) => {
    const caller: Caller = { organizationSid, accountSid, permissions: new Set(['read']), requestId };
    return run(createContext(gateway.gateway, gateway.live, caller), {});
  };
  asked.length = 0;
  const alone = await ask(provider, 'alone');
  const once = asked.length;
  asked.length = 0;
  const [theirs, ...answers] = await Promise.all([
    ask(other, 'theirs'),
    ...Array.from({ length: 40 }, (_, at) => ask(provider, String(at))),
  ]);
  expect(answers).toEqual(Array(40).fill(alone));
  expect(asked.length).toBeLessThanOrEqual(2 * once);
  // Of others, none is refused for what it would read.
  expect(JSON.stringify(theirs)).not.toContain('too wide');
});
