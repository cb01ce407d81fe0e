import { buildClientSchema, type GraphQLSchema, getIntrospectionQuery, type IntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Operation } from '../../src/contract/operations/operation.ts';
import { table } from '../../src/contract/operations/table.ts';
import { makeCertificate } from '../support/certificates.ts';
import { authorizationOf } from '../support/credentials.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { type Position, walk } from '../tenancy/walk.ts';
import type { World } from '../tenancy/world.ts';
import { createWorld, prefixes } from '../tenancy/world.ts';

// A certificate's private key, and a further secret, go in and never come out: of no operation of either face, found by walking the schema and the
// contract's table.

let gateway: TestGateway;
let world: World;
let schema: GraphQLSchema;
/** What was put in, by the operation that took it: whole lines of keys, whatever form an answer would have. */
const given: string[] = [];
const answers: string[] = [];
/** The results of the operations that took them, which answer the bot and the credential as deeply as the schema goes. */
const credentials: string[] = [];

const keep = ({ privateKey }: { readonly privateKey: string }) => {
  given.push(...privateKey.split('\n').filter((line) => line.length > 40));
  given.push(Buffer.from(privateKey).toString('base64').slice(100, 180));
};

async function ask(document: string, variables: Record<string, unknown> = {}) {
  const answer = await world.provider.graph(document, variables);
  answers.push(JSON.stringify([document, answer.data, answer.errors]));
  return answer;
}

beforeAll(async () => {
  gateway = await createTestGateway();
  world = await createWorld(gateway);
  schema = buildClientSchema((await world.provider.graph<IntrospectionQuery>(getIntrospectionQuery())).data);
  const [sid] = world.sids.Bot ?? [];
  const add =
    'mutation ($input: AddBotCertificateInput!) { made: addBotCertificate(input: $input) { ... on AddBotCertificateSuccess { credential { sid } } ... on Error { code message } } }';
  for (const { certificate, privateKey } of [makeCertificate(), makeCertificate()]) {
    keep({ privateKey });
    const { data } = await ask(add, { input: { sid, certificate, privateKey, name: 'walked' } });
    credentials.push(data.made.credential.sid);
  }
  const secret = 'a-further~secret-that-is-put-in';
  given.push(secret);
  const { data } = await ask(
    'mutation ($input: AddBotSecretInput!) { made: addBotSecret(input: $input) { ... on AddBotSecretSuccess { credential { sid hint } } } }',
    { input: { sid, secret, dateExpires: '2027-01-01T00:00:00Z' } },
  );
  credentials.push(data.made.credential.sid);
  // An idempotent mutation's result is stored and given again.
  const again = makeCertificate();
  keep(again);
  const input = { sid, certificate: again.certificate, privateKey: again.privateKey, idempotencyKey: 'walked-once' };
  for (let time = 0; time < 2; time += 1) await ask(add, { input });
});
afterAll(() => gateway.close());

const globalId = (type: string, sid: string) => Buffer.from(`${type}:${sid}`).toString('base64');
const isLeaking = (text: string) => /PRIVATE KEY/.test(text) || given.some((part) => text.includes(part));

/** What a position is given: the caller's own of everything, so that everything answers. */
function targetsOf({ holds }: Position): string[] {
  if (typeof holds === 'object') return [...(world.sids[holds.sidOf] ?? []), ...(holds.sidOf === 'BotCredential' ? credentials : [])];
  if (holds === 'global id')
    return [
      ...Object.keys(prefixes).flatMap((type) => (world.sids[type] ?? []).map((sid) => globalId(type, sid))),
      ...credentials.map((sid) => globalId('BotCredential', sid)),
    ];
  return [];
}

describe('no answer has a private key or a further secret', () => {
  test('of any query of the graph, however deep', { timeout: 120_000 }, async () => {
    const { positions, openQueries } = walk(schema, (type) => world.sids[type]?.[0] as string);
    for (const { document } of openQueries) await ask(document);
    for (const position of positions.filter(({ operation }) => operation === 'query'))
      for (const target of targetsOf(position)) await ask(position.document, { target });
    const told = answers.join('\n');
    // They were reached: the certificates, and what else there is of a credential.
    expect(told).toContain('BEGIN CERTIFICATE');
    expect(told).toContain('"walked"');
    for (const sid of credentials) expect(told).toContain(sid);
    expect(answers.filter(isLeaking)).toEqual([]);
  });

  test('of any mutation of a bot or a credential, and if it is repeated', { timeout: 120_000 }, async () => {
    const { positions } = walk(schema, (type) => world.sids[type]?.[0] as string);
    const before = answers.length;
    const documents = positions.filter(({ operation, name }) => operation === 'mutation' && /Mutation\.\w*Bot/.test(name));
    // What takes away comes last.
    documents.sort((one, other) => Number(/(delete|remove)Bot/.test(one.name)) - Number(/(delete|remove)Bot/.test(other.name)));
    for (const position of documents) {
      const targets = position.holds === 'text' ? ['6fbb3c66-8a54-4d11-9d5c-1f6f1b2d3c4e'] : targetsOf(position).slice(0, 1);
      for (const target of targets) await ask(position.document, { target });
    }
    const told = answers.slice(before);
    for (const name of ['createBot', 'updateBot', 'verifyBot', 'addBotCertificate', 'addBotSecret', 'removeBotCredential', 'deleteBot'])
      expect(told.some((answer) => answer.includes(`${name}(`))).toBe(true);
    // The document has what it gives itself, its answer must not.
    const said = told.map((answer) => JSON.stringify((JSON.parse(answer) as unknown[]).slice(1)));
    expect(said.filter(isLeaking)).toEqual([]);
  });

  test('of any operation of the contract', async () => {
    const { accountSid, authToken } = world.provider;
    const authorization = authorizationOf({ user: accountSid, password: authToken });
    const [bot] = world.sids.Bot ?? [];
    let reached = 0;
    for (const { operation, path, methods } of table as readonly Operation[])
      for (const method of methods) {
        if (method !== 'GET') continue;
        for (const sid of [bot, ...credentials, world.sids.Enterprise?.[0]]) {
          const url = `http://gateway.test${path.replace('{sid}', sid ?? '')}`;
          const response = await gateway.fetch(new Request(url, { headers: { authorization } }));
          const text = await response.text();
          if (response.ok && /Bot/.test(operation)) reached += 1;
          expect(isLeaking(text), `${method} ${path}`).toBe(false);
        }
      }
    expect(reached).toBeGreaterThan(0);
  });

  test('this walk would notice one', () => {
    const { privateKey } = makeCertificate();
    expect(isLeaking(JSON.stringify({ privateKey }))).toBe(true);
    expect(given.every((part) => isLeaking(JSON.stringify({ data: part })))).toBe(true);
  });
});
