import fc from 'fast-check';
import { type ExecutionResult, GraphQLError } from 'graphql';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createContext } from '../../schema/context.ts';
import { schema } from '../../schema/index.ts';
import { ContractFailure } from '../../src/contract/errors.ts';
import { parseValid, prepare } from '../../src/contract/execute.ts';
import type { BodyField, Operation, QueryParameter } from '../../src/contract/operations/operation.ts';
import { table } from '../../src/contract/operations/table.ts';
import { readRequest } from '../../src/contract/request.ts';
import type { Caller } from '../../src/domain/caller.ts';
import { ConflictError, DomainError } from '../../src/domain/errors.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { prepareReference } from './reference.ts';
import { type Answers, stubContext, stubSchema, successes } from './stub-graph.ts';

const log = pino({ level: 'silent' });
const sids = fc.constantFrom(`EN${'0'.repeat(32)}`, `BE${'1'.repeat(32)}`, 'ENx', '%00', 'ü');
const word = fc.oneof(fc.constantFrom('a', '%', '_', 'ACTIVE', '49', '+1', 'a@b.example', '\\'), fc.string({ maxLength: 8 }));

/** Texts that a query parameter may have, good ones more often than not. */
function queryText({ name, schema }: QueryParameter): fc.Arbitrary<string> {
  if (name === 'page') return fc.nat(3).map(String);
  if (name === 'pageSize') return fc.constantFrom('1', '3', '1000');
  if (name === 'startTime' || name === 'endTime') return fc.constantFrom('2018-10-05', '2100-01-01T00:00:00+0000');
  if (name === 'sortBy') return fc.constantFrom('dateCreated', 'dateCreated:desc', 'name', 'from:desc', 'domain');
  return schema.pattern ? fc.constantFrom('ACTIVE', 'sms', 'INBOUND') : word;
}

function bodyOf(fields: readonly BodyField[]): fc.Arbitrary<object> {
  const values = fields.map((field) => [
    field.name,
    field.fields ? bodyOf(field.fields) : field.values ? fc.constantFrom(...field.values) : word,
  ]);
  return fc.record(Object.fromEntries(values), { requiredKeys: [] });
}

/** Variables as any request of an operation makes them. */
function variablesOf(operation: Operation): fc.Arbitrary<() => Promise<Record<string, unknown> | undefined>> {
  const query: fc.Arbitrary<object> = fc.record(Object.fromEntries((operation.query ?? []).map((one) => [one.name, queryText(one)])), {
    requiredKeys: [],
  });
  return fc.tuple(sids, query, bodyOf(operation.body ?? []), fc.boolean()).map(([sid, query, body, showSecrets]) => async () => {
    const request = new Request(`http://gateway.test/?${new URLSearchParams(Object.entries(query))}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    try {
      return operation.variables(await readRequest(request, operation, encodeURIComponent(sid), showSecrets));
    } catch (error) {
      if (error instanceof ContractFailure) return undefined;
      throw error;
    }
  });
}

/** What the contract makes of a run: the data, an error given on purpose, or a fault, whose text differs between the two. */
async function outcome(run: Promise<ExecutionResult>) {
  const { data, errors: [first] = [] } = await run.catch((error: unknown): ExecutionResult => ({ errors: [error as GraphQLError] }));
  if (!first) return { data: JSON.parse(JSON.stringify(data)) };
  const { message, path, originalError, extensions } = first;
  const code = originalError instanceof DomainError ? originalError.code : extensions?.code;
  return code === undefined ? 'fault' : { message, path, code };
}

test.each(table)('the document of $operation is valid against the schema', (operation) => {
  expect(() => parseValid(schema, operation)).not.toThrow();
});

describe.each(table)('$operation, compiled,', (operation) => {
  const stub = stubSchema();
  const [compiled, reference] = [prepare(stub, operation, log), prepareReference(stub, operation)];
  const field = /result: (\w+)/.exec(operation.document)?.[1] ?? '';
  const sample = successes[field]?.({}) as Record<string, unknown>;
  const names = Object.keys(sample).filter((name) => name !== '__typename');
  const errorMember = { __typename: 'ConflictError', code: 'ENTERPRISE_CLOSED', message: 'm', value: null };

  /** The row or page, whole or with one of its values broken; nothing; an error in either way. */
  const answer = fc.oneof(
    fc.constant(() => sample),
    fc.tuple(fc.constantFrom(...names), fc.constantFrom(null, undefined, {}, 'x', [null])).map(([name, value]) => () => ({
      ...sample,
      [name]: value,
    })),
    fc.constantFrom(
      () => null,
      () => Promise.resolve(sample),
      () => errorMember,
      () => {
        throw new ConflictError('ENTERPRISE_CLOSED', 'Enterprise is CLOSED', { value: 'EN1' });
      },
      () => Promise.reject(new GraphQLError('no', { extensions: { code: 'FORBIDDEN' } })),
      () => Promise.reject(new Error('fault')),
    ),
  );

  test('has the same result as graphql’s own execution, for any request and any data', async () => {
    await fc.assert(
      fc.asyncProperty(variablesOf(operation), answer, async (read, answer) => {
        const variables = await read();
        fc.pre(variables !== undefined);
        const asked: unknown[] = [];
        const answers: Answers = {
          [field]: (args) => {
            asked.push(JSON.parse(JSON.stringify(args)));
            return answer();
          },
        };
        expect(await outcome(compiled(stubContext(answers), variables))).toEqual(await outcome(reference(stubContext(answers), variables)));
        expect(asked[0]).toEqual(asked[1]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('over the real schema', () => {
  let gateway: TestGateway;
  let caller: Caller;

  beforeAll(async () => {
    gateway = await createTestGateway();
    const { organizationSid, accountSid, rest } = await gateway.provider();
    caller = { organizationSid, accountSid, permissions: new Set(['read', 'write', 'secrets', 'large-pages']), requestId: 'r' };
    for (const number of [1, 2, 3, 4]) {
      const { body } = await rest.post<{ sid: string }>('/msteams/enterprises', {
        name: `a ${number}`,
        enterpriseAdmin: { emailId: `a${number}@example.com`, password: 'p' },
      });
      const enterpriseSid = body.data?.sid;
      await rest.post('/msteams/teamsbot', {
        enterpriseSid,
        applicationId: '1',
        tenantId: 't',
        clientSecret: `secret ${number}`,
        botAppId: '2',
      });
      await rest.post('/msteams/mappings', { enterpriseSid, microsoftAddress: `a${number}@b.example`, externalAddress: `4900${number}` });
    }
  });
  afterAll(() => gateway?.close());

  // Of the mutations, only what is refused can be run twice: the sids are unknown, and creating needs what these bodies lack.
  test.each(table.filter(({ operation }) => operation !== 'createEnterprise'))(
    '$operation, compiled, has the same result as graphql’s own execution',
    async (operation) => {
      const [compiled, reference] = [prepare(schema, operation, log), prepareReference(schema, operation)];
      const context = () => createContext(gateway.gateway, gateway.live, caller);
      await fc.assert(
        fc.asyncProperty(variablesOf(operation), async (read) => {
          const variables = await read();
          fc.pre(variables !== undefined);
          expect(await outcome(compiled(context(), variables))).toEqual(await outcome(reference(context(), variables)));
        }),
        { numRuns: 15 },
      );
    },
  );
});
