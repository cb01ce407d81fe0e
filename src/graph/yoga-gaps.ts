import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** Says what is wrong with a query string's JSON: Yoga lets JSON.parse's own error through, as a fault. */
export const readableQuery: Plugin = {
  onRequestParse: ({ request }) => {
    if (request.method !== 'GET') return;
    const { searchParams } = new URL(request.url);
    for (const name of ['variables', 'extensions']) {
      if (!isJson(searchParams.get(name) || 'null')) {
        throw new GraphQLError(`The parameter ${name} must be JSON`, { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } });
      }
    }
  },
};

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const REFUSALS: Readonly<Record<number, readonly [code: string, message: string]>> = {
  405: ['METHOD_NOT_ALLOWED', 'The graph takes GET, for queries, and POST'],
  406: ['NOT_ACCEPTABLE', 'Answers are application/json, application/graphql-response+json or text/event-stream'],
  415: ['UNSUPPORTED_MEDIA_TYPE', 'The body must be application/json'],
};

/** Gives the answers that Yoga leaves empty the form of the others. */
export const spokenRefusals: Plugin = {
  onResponse: ({ request, response, setResponse, fetchAPI }) => {
    const [code, message] = REFUSALS[response.status] ?? [];
    if (!code || response.body !== null || request.method === 'HEAD') return;
    const headers = new fetchAPI.Headers(response.headers);
    headers.set('content-type', 'application/json; charset=utf-8');
    setResponse(
      new fetchAPI.Response(JSON.stringify({ errors: [{ message, extensions: { code } }] }), { status: response.status, headers }),
    );
  },
};
