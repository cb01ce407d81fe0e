import { Ajv2020 } from 'ajv/dist/2020.js';
import { type GraphQLEnumType, getNamedType, isUnionType } from 'graphql';
import { describe, expect, test } from 'vitest';
import { schema } from '../../schema/index.ts';
import { openApi } from '../../src/contract/openapi/openapi.ts';
import { table } from '../../src/contract/operations/table.ts';
import { compileOpenApi } from '../support/openapi.ts';
import { stubContract, successes } from './stub-graph.ts';

interface Content {
  readonly content?: { readonly 'application/json'?: { readonly schema: object; readonly example?: unknown } };
}
interface Described {
  readonly operationId: string;
  readonly description?: string;
  readonly deprecated?: boolean;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: object; readonly example?: unknown }[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}

const settings = { restTimestamps: 'iso', restBotSecrets: 'plain' } as const;
const paths = openApi(settings).paths as Readonly<Record<string, Readonly<Record<string, Described>>>>;
const described = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
);

describe('the OpenAPI document', () => {
  test('is served without credentials, only by GET and HEAD', async () => {
    const { fetch } = stubContract(successes);
    const url = 'http://gateway.test/msteams/openapi.json';
    const response = await fetch(new Request(url));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(openApi(settings))));
    expect(await (await fetch(new Request(url, { method: 'HEAD' }))).text()).toBe('');
    const refused = await fetch(new Request(url, { method: 'POST' }));
    expect(refused.status).toBe(405);
    expect(await refused.json()).toEqual({ errorCode: '405', message: 'Method Not Allowed' });
  });

  test('describes each of the 17 operations on each of its paths', () => {
    expect(table).toHaveLength(17);
    for (const { operation, methods, path, aliases } of table) {
      for (const one of [path, ...aliases]) {
        for (const method of methods) expect(paths[one]?.[method.toLowerCase()]?.operationId).toMatch(new RegExp(`^${operation}(_|$)`));
      }
    }
    expect(new Set(described.map((one) => one.operationId)).size).toBe(described.length);
  });

  test.each(described)('of $method $path has its sid, its filters and all its responses', (operation) => {
    const parameters = (operation.parameters ?? []).map((parameter) => `${parameter.in} ${parameter.name}`);
    expect(parameters.includes('path sid')).toBe(operation.path.endsWith('{sid}'));
    if (operation.path.endsWith('/search'))
      expect(parameters).toEqual(expect.arrayContaining(['query page', 'query pageSize', 'query sortBy']));
    expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['400', '401', '403', '429', '500']));
    if (operation.method === 'post' || operation.method === 'put') {
      expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['409', '413', '415']));
    }
  });

  test('has each operation once under its own name: its other paths and methods are deprecated', () => {
    const current = described.filter(({ deprecated }) => !deprecated);
    expect(current.map(({ operationId }) => operationId).sort()).toEqual(table.map(({ operation }) => operation).sort());
    for (const { operationId, description } of described.filter(({ deprecated }) => deprecated))
      expect(description, operationId).toMatch(/^Same as (GET|POST|PUT|DELETE) \/msteams\/\S+\.$/);
  });

  test('describes every operation, parameter, field and response', () => {
    const silent: string[] = [];
    const visit = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return;
      const { properties, parameters, responses, example, ...rest } = value as Record<string, Record<string, { description?: string }>>;
      for (const [kind, described] of Object.entries({ properties, parameters, responses })) {
        for (const [name, part] of Object.entries(described ?? {})) {
          if (!part.description && !('$ref' in part)) silent.push(`${path}/${kind}/${name}`);
          visit(part, `${path}/${kind}/${name}`);
        }
      }
      for (const [name, part] of Object.entries(rest)) visit(part, `${path}/${name}`);
    };
    visit(JSON.parse(JSON.stringify(openApi(settings))), '');
    expect(silent).toEqual([]);
  });

  test.each([
    { restTimestamps: 'iso', restBotSecrets: 'plain' },
    { restTimestamps: 'recorded', restBotSecrets: 'masked' },
  ] as const)('has examples that its schemas accept, with %j', (settings) => {
    const document = JSON.parse(JSON.stringify(openApi(settings)));
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(document, 'contract');
    const check = (schema: object, example: unknown, of: string) => {
      const local = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"contract#/components'));
      const validate = ajv.compile(local);
      expect(validate(example), `${of}: ${ajv.errorsText(validate.errors)}`).toBe(true);
    };
    let examples = 0;
    for (const [path, methods] of Object.entries<Record<string, Described>>(document.paths)) {
      for (const [method, { operationId, parameters = [], requestBody, responses }] of Object.entries(methods)) {
        const contents = [requestBody, ...Object.values(responses)].flatMap((one) => one?.content?.['application/json'] ?? []);
        for (const { schema, example } of [...parameters, ...contents]) {
          if (example === undefined) continue;
          check(schema, example, operationId);
          examples += 1;
        }
        expect(
          contents.some(({ example }) => example !== undefined),
          `${method} ${path}`,
        ).toBe(true);
      }
    }
    expect(examples).toBeGreaterThan(17 * 2);
  });

  test('lists the other names of query parameters, as deprecated and without an example', () => {
    const names = table.flatMap(({ path, query = [] }) =>
      query.flatMap(({ name, aliases = [] }) => aliases.map((alias) => ({ path, name, alias }))),
    );
    expect(names).toContainEqual({ path: '/msteams/mappings/search', name: 'enterpriseSid', alias: 'enterpriseId' });
    for (const { path, name, alias } of names) {
      const { parameters = [] } = described.find((one) => one.path === path) ?? {};
      expect(parameters.find((parameter) => parameter.name === alias)).toEqual({
        ...{ name: alias, in: 'query', deprecated: true, schema: expect.anything() },
        description: `Same as ${name}. The parameter name is case-insensitive.`,
      });
    }
  });

  test('enumerates what it takes in any case, and the statuses of messages', () => {
    const { components } = openApi(settings) as {
      components: { schemas: Record<string, { properties: Record<string, { enum?: string[] }> }> };
    };
    const statuses = (schema.getType('ChannelStatus') as GraphQLEnumType).getValues().map(({ name }) => name);
    expect([...(components.schemas.Message?.properties.channelStatus?.enum ?? [])].sort()).toEqual([...statuses].sort());
    const ajv = new Ajv2020({ strict: false });
    const enumerated = described
      .flatMap(({ parameters = [] }) => parameters)
      .filter((parameter): parameter is typeof parameter & { schema: { anyOf: { enum?: string[] }[] } } => 'anyOf' in parameter.schema);
    expect(new Set(enumerated.map(({ name }) => name))).toEqual(new Set(['status', 'sortBy', 'type', 'direction']));
    for (const { name, schema } of enumerated) {
      const accepts = ajv.compile(schema);
      for (const word of schema.anyOf[0]?.enum ?? []) {
        for (const written of [word, word.toLowerCase(), word.toUpperCase()]) expect(accepts(written), `${name}=${written}`).toBe(true);
        expect(accepts(`${word}x`)).toBe(false);
      }
    }
  });

  test.each(['iso', 'recorded'] as const)('has valid schemas that every success satisfies, with %s timestamps', async (restTimestamps) => {
    const { rest } = stubContract(successes, { restTimestamps });
    for (const { path, method } of described) {
      const { body } = await rest.request(method.toUpperCase(), path.replace('{sid}', 'BE1'));
      expect(body.code).toBe(200);
    }
  });

  test('distinguishes the two forms of responses, and rejects what it does not describe', () => {
    const { expectMatches } = compileOpenApi(JSON.parse(JSON.stringify(openApi(settings))));
    const check = (path: string, status: number, body: unknown) => () =>
      expectMatches(
        'GET',
        new URL(path, 'http://gateway.test'),
        new Response(null, { status, headers: { 'content-type': 'application/json; charset=utf-8' } }),
        JSON.stringify(body),
      );
    const found = '/msteams/messages/search/MS1';
    expect(check(found, 409, { errorCode: '481', message: 'Message Id not found', data: 'MS1' })).not.toThrow();
    expect(check(found, 409, { errorCode: '480', message: 'Message Id not found', data: 'MS1' })).toThrow(/errorCode/);
    expect(check(found, 409, { errorCode: 481, message: 'Message Id not found' })).toThrow(/string/);
    expect(check(found, 409, { errorCode: '481', message: 'Message Id not found', data: { data: 'MS1' } })).toThrow(/data/);
    expect(check(found, 200, { data: { sid: 'MS1' }, code: 200, message: 'OK' })).toThrow(/sid/);
    expect(check(found, 204, {})).toThrow(/no such answer/);
    expect(check('/msteams/nowhere', 404, { errorCode: '404', message: 'Not Found', stack: 'x' })).toThrow(/additional/);
  });

  test('permits fields that later versions add to responses', () => {
    const { components } = openApi(settings) as { components: { schemas: object } };
    expect(JSON.stringify(components.schemas)).not.toContain('additionalProperties');
  });

  test('lists the platform’s refusal (452) for the operations whose mutation can return it, and for no other', () => {
    const isRefused = ({ document }: (typeof table)[number]) => {
      const [, mutation] = /^\s*mutation [^{]*\{\s*result: (\w+)/.exec(document) ?? [];
      const union = mutation && getNamedType(schema.getMutationType()?.getFields()[mutation]?.type);
      return isUnionType(union) && union.getTypes().some(({ name }) => name === 'PlatformError');
    };
    const listed = table.filter(({ errors }) => errors.includes('PLATFORM_ERROR')).map(({ operation }) => operation);
    expect(listed.length).toBeGreaterThan(3);
    expect(listed).toEqual(table.filter(isRefused).map(({ operation }) => operation));
  });
});
