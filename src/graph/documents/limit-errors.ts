import { GraphQLError } from 'graphql';

/**
 * The error of an operation above a limit: code QUERY_LIMIT_EXCEEDED, with the extensions `limit`, `maximum` and `found`.
 * @param limit its name
 * @param found left out if counting stopped at the limit
 * @param noun the plural of the thing that is limited
 */
export function overLimit(limit: string, maximum: number, found: number | undefined, noun: string): GraphQLError {
  const count = found === undefined ? `more than ${maximum}` : Number.isFinite(found) ? String(found) : 'infinitely many';
  return new GraphQLError(`The operation has ${count} ${noun}; the limit is ${maximum}`, {
    extensions: {
      code: 'QUERY_LIMIT_EXCEEDED',
      limit,
      maximum,
      found: Number.isFinite(found) ? found : undefined,
      http: { status: 400, spec: true },
    },
  });
}
