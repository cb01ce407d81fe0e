import { describe, expect, test } from 'vitest';
import { openApi } from '../../src/contract/openapi.ts';
import { table } from '../../src/contract/table.ts';
import { compileOpenApi } from '../support/openapi.ts';
import { stubContract, successes } from './stub-graph.ts';

interface Described {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, unknown>>;
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
});
