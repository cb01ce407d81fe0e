import type { TadaDocumentNode } from 'gql.tada';
import type { Problem } from '../parts/states.tsx';

/** The gateway's graph, next to the console whatever the prefix of both. */
export const GRAPH = new URL('../graphql', document.baseURI).href;

/** An error of the graph, or of the way there. */
export class GraphProblem extends Error {
  /** As in the schema's `ErrorCode` and the graph's `extensions.code`; `NETWORK` if there was no answer. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface Answer<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

/** The body of a request that names a compiled document. */
export const bodyOf = (document: unknown, variables: unknown) =>
  JSON.stringify({ documentId: (document as { documentId: string }).documentId, variables });

/** The first error of an answer. */
export function problemIn({ errors }: Answer<unknown>): GraphProblem | undefined {
  const [error] = errors ?? [];
  return error && new GraphProblem(error.extensions?.code ?? 'UNKNOWN', error.message);
}

/** The problem in what was thrown. */
export const problemFrom = (error: unknown): Problem =>
  error instanceof GraphProblem ? error : { code: 'UNKNOWN', message: error instanceof Error ? error.message : String(error) };

/**
 * Runs one operation with credentials of its own.
 * @throws GraphProblem
 */
export async function ask<Data, Variables>(
  document: TadaDocumentNode<Data, Variables>,
  variables: Variables,
  authorization: string,
): Promise<Data> {
  const response = await fetch(GRAPH, {
    method: 'POST',
    // Without, a browser would ask for a password by itself at 401.
    credentials: 'omit',
    headers: { authorization, 'content-type': 'application/json', accept: 'application/graphql-response+json, application/json' },
    body: bodyOf(document, variables),
  }).catch(() => {
    throw new GraphProblem('NETWORK', '');
  });
  const answer = (await response.json().catch(() => ({}))) as Answer<Data>;
  const problem = problemIn(answer);
  if (problem) throw problem;
  if (!answer.data) throw new GraphProblem('UNKNOWN', response.statusText);
  return answer.data;
}
