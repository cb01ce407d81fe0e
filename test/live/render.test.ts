import { buildSchema, GraphQLError, type GraphQLSchema, parse } from 'graphql';
import { beforeEach, expect, test } from 'vitest';
import type { Caller } from '../../src/domain/caller.ts';
import { subscribeRendered } from '../../src/live/render.ts';
import { createUpdates, type Rendered } from '../../src/live/updates.ts';

let executions = 0;
let contexts = 0;
let failing = false;

const schema: GraphQLSchema = buildSchema(`
  type Query { nothing: Int }
  type Event { cursor: String! twice(by: Int, after: String): String! }
  type Subscription { events(after: String, filter: String): Event! }
`);
Object.assign(schema.getSubscriptionType()?.getFields().events ?? {}, {
  subscribe: (_root: unknown, _args: unknown, { source }: { source: object[] }) => createUpdates(source),
  resolve: (event: unknown) => {
    executions += 1;
    if (failing) throw new Error('the database is away');
    return event;
  },
});
Object.assign((schema.getType('Event') as ReturnType<GraphQLSchema['getSubscriptionType']>)?.getFields().twice ?? {}, {
  resolve: ({ cursor }: { cursor: string }, { by, after }: { by?: number; after?: string }) => `${cursor} ${by} ${after}`,
});

beforeEach(() => {
  executions = 0;
  contexts = 0;
  failing = false;
});

const DOCUMENT =
  'subscription ($after: String, $filter: String, $by: Int) { events(after: $after, filter: $filter) { cursor twice(by: $by) } }';
const caller: Caller = { organizationSid: 'OR1', accountSid: 'AC1', permissions: new Set(['read']), requestId: '1' };
const log = () => ['a', 'b', 'c'].map((cursor) => ({ cursor }));

async function open(source: object[], variables: Record<string, unknown>, options: { document?: string; caller?: Partial<Caller> } = {}) {
  const answers = await subscribeRendered({
    schema,
    document: parse(options.document ?? DOCUMENT),
    variables,
    caller: { ...caller, ...options.caller },
    subscribingContext: () => ({ source }),
    freshContext: () => {
      contexts += 1;
      return {};
    },
    maskError: (error) => new GraphQLError(`masked ${(error as Error).message}`),
  });
  if ('errors' in answers) throw answers.errors[0];
  return answers;
}

async function all(answers: AsyncIterable<Rendered>): Promise<string[]> {
  const texts: string[] = [];
  for await (const { json } of answers) texts.push(json);
  return texts;
}

test('an update is executed once for all readers of one operation, regardless of their starting points and filters', async () => {
  const source = log();
  const readers = await Promise.all(Array.from({ length: 50 }, (_, n) => open(source, { after: `${n}`, filter: `${n % 2}`, by: 1 })));
  const texts = await Promise.all(readers.map(all));
  expect(new Set(texts.map(String)).size).toBe(1);
  expect(texts[0]?.[0]).toBe('{"data":{"events":{"cursor":"a","twice":"a 1 undefined"}}}');
  expect(executions).toBe(3);
});

test('waiting updates are executed with one context, so that their relations are loaded together', async () => {
  await all(await open(log(), {}));
  expect([executions, contexts]).toEqual([3, 1]);
});

test.each([
  ['other variables', { by: 2 }, {}],
  ['another document', { by: 1 }, { document: `${DOCUMENT} # other` }],
  ['another account', { by: 1 }, { caller: { accountSid: 'AC2' } }],
  ['an enterprise’s credentials', { by: 1 }, { caller: { enterpriseSid: 'EN1' } }],
  ['other permissions', { by: 1 }, { caller: { permissions: new Set(['read', 'secrets'] as const) } }],
])('%s are executed separately', async (_what, variables, options) => {
  const source = log();
  await all(await open(source, { by: 1 }));
  await all(await open(source, variables, options));
  expect(executions).toBe(6);
});

test('an `after` within the selection makes a difference, the subscription’s own does not', async () => {
  const document = 'subscription ($after: String) { events { twice(after: $after) } }';
  const source = log();
  const [one] = await all(await open(source, { after: '1' }, { document }));
  const [two] = await all(await open(source, { after: '2' }, { document }));
  expect([one, two]).toEqual(['{"data":{"events":{"twice":"a undefined 1"}}}', '{"data":{"events":{"twice":"a undefined 2"}}}']);
});

test('an update that cannot be executed ends the results with the masked error, and is tried again for the next reader', async () => {
  const source = log();
  failing = true;
  await expect(all(await open(source, {}))).rejects.toThrow('masked the database is away');
  failing = false;
  expect(await all(await open(source, {}))).toHaveLength(3);
});
