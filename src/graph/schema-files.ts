import { type AnyRequest, targetOf } from '../server/node-request.ts';
import { TextResponse } from '../server/text-response.ts';

/** Prints the schema's files for clients' tools. */
export interface SchemaFiles {
  readonly printSdl: () => string;
  readonly printPossibleTypes: () => string;
}

/** The path of the graph's own endpoint is not among them. */
export const SCHEMA_FILE = /^\/graphql\/./;

/**
 * Serves the schema at `/graphql/schema.graphql`, and the types of its interfaces and unions for Apollo's cache at `/graphql/possibleTypes.json`.
 * Both are printed at the first request. They hold nothing of any account, so no credentials are needed.
 * @param files absent if introspection is off: then there are none
 * @returns `undefined` for any other path
 */
export function createSchemaFiles(files: SchemaFiles | undefined): (request: AnyRequest) => TextResponse | undefined {
  const kinds = new Map([
    ['/graphql/schema.graphql', { type: 'text/plain', print: files?.printSdl }],
    ['/graphql/possibleTypes.json', { type: 'application/json', print: files?.printPossibleTypes }],
  ]);
  const printed = new Map<string, string>();
  return (request) => {
    const { pathname } = targetOf(request);
    if (!SCHEMA_FILE.test(pathname)) return undefined;
    const { type, print } = kinds.get(pathname) ?? {};
    if (!print) return respond(404, 'application/json', JSON.stringify({ error: 'Not found' }));
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return respond(405, 'application/json', JSON.stringify({ error: 'Method not allowed' }), { allow: 'GET, HEAD' });
    }
    const text = printed.get(pathname) ?? print();
    printed.set(pathname, text);
    return respond(200, type ?? '', text);
  };
}

const respond = (status: number, type: string, text: string, headers: Readonly<Record<string, string>> = {}) =>
  new TextResponse(text, { status, headers: { 'content-type': `${type}; charset=utf-8`, ...headers } });
