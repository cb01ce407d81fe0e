import { isObject, parseJson } from '../json.ts';

/** An operation in a request (GraphQL over HTTP, "Request Parameters"), perhaps as a reference to a trusted document. */
export interface OperationBody {
  readonly query: string | undefined;
  readonly documentId: unknown;
  readonly extensions: Record<string, unknown> | undefined;
  readonly variables: Record<string, unknown>;
  readonly operationName: string | undefined;
  /** Whether it has only a text, variables and a name. */
  readonly isPlain: boolean;
}

/** Decodes the body of a POST. Returns `undefined` if it is malformed. */
export function decodeBody(text: string): OperationBody | undefined {
  const body = parseJson(text);
  return isObject(body) ? decode(body) : undefined;
}

/** Decodes the query string of a GET. Returns `undefined` if it is malformed. */
export function decodeQuery(params: URLSearchParams): OperationBody | undefined {
  const text = (name: string) => params.get(name) || undefined;
  const json = (name: string) => parseJson(text(name) ?? 'null');
  const variables = json('variables');
  return decode({
    query: text('query'),
    documentId: text('documentId'),
    operationName: text('operationName'),
    variables: variables === undefined ? 'malformed' : variables,
    extensions: json('extensions'),
  });
}

function decode(body: Record<string, unknown>): OperationBody | undefined {
  const { query, documentId, extensions, variables, operationName } = body;
  if (query != null && typeof query !== 'string') return undefined;
  if (variables != null && !isObject(variables)) return undefined;
  if (operationName != null && typeof operationName !== 'string') return undefined;
  const isNamed = typeof documentId === 'string' || isObject(extensions);
  if (query == null && !isNamed) return undefined;
  return {
    query: query ?? undefined,
    documentId,
    extensions: isObject(extensions) ? extensions : undefined,
    variables: variables ?? {},
    // An empty name counts as absent (GraphQL over HTTP, 5.3). Clients that cannot send null send it in JSON, too.
    operationName: operationName || undefined,
    isPlain: hasNothingElse(body),
  };
}

function hasNothingElse(body: object): boolean {
  for (const name in body) if (name !== 'query' && name !== 'variables' && name !== 'operationName') return false;
  return true;
}
