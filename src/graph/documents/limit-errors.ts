import { GraphQLError } from 'graphql';

/**
 * The graph's error for an operation that is too large: code QUERY_LIMIT_EXCEEDED, and which limit, its value and what was found.
 * @param found left out where nobody counted to the end
 */
export function overLimit(limit: string, maximum: number, found: number | undefined, noun: string): GraphQLError {
  const has = found === undefined ? `more than ${maximum}` : Number.isFinite(found) ? String(found) : 'endlessly many';
  return new GraphQLError(`The operation has ${has} ${noun}; the limit is ${maximum}`, {
    extensions: {
      code: 'QUERY_LIMIT_EXCEEDED',
      limit,
      maximum,
      found: Number.isFinite(found) ? found : undefined,
      http: { status: 400, spec: false },
    },
  });
}
