import fc from 'fast-check';
import type { ExecutionResult } from 'graphql';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createContext } from '../../schema/context.ts';
import { schema } from '../../schema/index.ts';
import { prepare } from '../../src/contract/execute.ts';
import type { Operation } from '../../src/contract/operations/operation.ts';
import { table } from '../../src/contract/operations/table.ts';
import { readRequest } from '../../src/contract/request.ts';
import type { Caller } from '../../src/domain/caller.ts';
import { makeLists } from '../execution/list-data.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { prepareReference } from './reference.ts';

// REST's lists over rows whose values are hard to pack, run as they are served and by graphql's own execute.

let gateway: TestGateway;
const callers: Caller[] = [];

beforeAll(async () => {
  gateway = await createTestGateway();
  for (const separated of [[], ['\x1e', 'a\x1fb', '\x1f\x1e\x1f']]) {
    const provider = await gateway.provider();
    const { organizationSid, accountSid } = provider;
    const { enterprises } = await makeLists(gateway, provider, separated);
    const caller = { organizationSid, accountSid, permissions: new Set(['read', 'large-pages'] as const), requestId: 'r' };
    callers.push(caller, { ...caller, permissions: new Set(['read'] as const) }, { ...caller, enterpriseSid: enterprises[0]?.sid });
  }
  callers.push({ ...(callers[0] as Caller), permissions: new Set(['write']) });
});
afterAll(() => gateway.close());

const order: Record<string, readonly string[]> = {
  searchMessages: ['dateCreated', 'dateCreated:desc', 'from', 'to:desc'],
  searchMappings: ['dateCreated', 'name:desc', 'domain'],
};
const asked = (operation: Operation) =>
  fc.record(
    {
      page: fc.nat(3).map(String),
      pageSize: fc.constantFrom('1', '5', '100', '1000'),
      sortBy: fc.constantFrom(...(order[operation.operation] ?? ['dateCreated:desc'])),
      ...(operation.operation === 'searchMessages'
        ? { from: fc.constantFrom('+49', '\x1e', 'a\x1f'), channelErrorMessage: fc.constantFrom('"', '\x1f', '=', 'lines') }
        : {}),
    },
    { requiredKeys: [] },
  );

/** Errors on the fast path, whose requests the general path answered. */
const fellBack: string[] = [];
const log = pino({ level: 'warn' }, { write: (line: string) => fellBack.push(line) });

const outcome = async (run: Promise<ExecutionResult>) => JSON.parse(JSON.stringify(await run));

test.each(table.filter(({ query }) => query))('$operation gives every caller the same data and the same errors', async (operation) => {
  const [served, reference] = [prepare(schema, operation, log), prepareReference(schema, operation)];
  await fc.assert(
    fc.asyncProperty(asked(operation), fc.constantFrom(0, 1, 2, 3, 4, 5, 6), async (query, place) => {
      const request = new Request(`http://gateway.test/?${new URLSearchParams(query as Record<string, string>)}`);
      const variables = operation.variables(await readRequest(request, operation, '', false));
      const context = () => createContext(gateway.gateway, gateway.live, callers[place] as Caller);
      const expected = await outcome(reference(context(), variables));
      const given = await outcome(served(context(), variables));
      expect(given.data).toEqual(expected.data);
      expect(given.errors?.map(({ message, path }: Error & { path: unknown }) => ({ message, path }))).toEqual(
        expected.errors?.map(({ message, path }: Error & { path: unknown }) => ({ message, path })),
      );
    }),
    { numRuns: Number(process.env.PROPERTY_RUNS ?? 40) },
  );
  expect(fellBack).toEqual([]);
});
