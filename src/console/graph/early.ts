import { stringifyVariables } from '@urql/core';
import { bodyOf, GRAPH } from './ask.ts';

// A query that the first paint's script sends while React is loaded. The page that asks the same takes its answer.

interface Early {
  readonly token: string;
  readonly body: string;
  readonly response: Promise<Response>;
  /** As `performance.now()` has it. */
  readonly sent: number;
}
// The script is another one than that which takes it, so what they share is the window.
declare global {
  interface Window {
    consoleEarly?: Early;
  }
}

/** How old an answer may be, in ms. */
const LATEST = 10_000;

/** Sends a query. */
export function askEarly(document: unknown, variables: unknown, token: string): void {
  const body = bodyOf(document, variables);
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/graphql-response+json, application/json',
  };
  const response = fetch(GRAPH, { method: 'POST', credentials: 'omit', headers, body });
  // If nobody takes it, its failure matters to nobody.
  response.catch(() => {});
  window.consoleEarly = { token, body, response, sent: performance.now() };
}

/**
 * The answer to a request, if it was sent early. Only the first request may take it: if that is another one, nothing is kept.
 * @param body as urql writes it, with its keys in the order of the alphabet
 */
export function takeEarly(body: unknown, token: string): Promise<Response> | undefined {
  const early = window.consoleEarly;
  if (!early) return undefined;
  delete window.consoleEarly;
  const isSame = early.token === token && stringifyVariables(JSON.parse(early.body)) === body;
  return isSame && performance.now() - early.sent < LATEST ? early.response : undefined;
}
