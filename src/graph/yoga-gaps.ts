import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { parseJson } from '../json.ts';

/** Refuses malformed JSON in a query string with 400. Yoga would respond with 500: it does not catch JSON.parse's error. */
export const malformedJson: Plugin = {
  onRequestParse: ({ request }) => {
    if (request.method !== 'GET') return;
    const { searchParams } = new URL(request.url);
    for (const name of ['variables', 'extensions']) {
      if (parseJson(searchParams.get(name) || 'null') === undefined) {
        throw new GraphQLError(`The parameter ${name} must be JSON`, { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } });
      }
    }
  },
};

const REFUSALS: Readonly<Record<number, readonly [code: string, message: string]>> = {
  405: ['METHOD_NOT_ALLOWED', 'Use POST, or GET for queries'],
  406: ['NOT_ACCEPTABLE', 'The response media types are application/json, application/graphql-response+json and text/event-stream'],
  415: ['UNSUPPORTED_MEDIA_TYPE', 'The request body must be application/json'],
};

/** Adds a GraphQL error to the refusals that Yoga sends without a body. */
export const refusalBodies: Plugin = {
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
