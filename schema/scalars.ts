import { GraphQLError, Kind } from 'graphql';
import { builder } from './builder.ts';

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/i;

builder.scalarType('DateTime', {
  description:
    'An ISO 8601 date and time with an offset, e.g. `2026-11-05T11:59:34.120Z`, in the years 1 to 9999. Responses are in UTC with milliseconds.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  serialize: (value) => (value instanceof Date ? value.toISOString() : String(value)),
  parseValue: parse,
  parseLiteral: (node) => parse(node.kind === Kind.STRING ? node.value : undefined),
});

function parse(value: unknown): Date {
  const instant = typeof value === 'string' && ISO.test(value) ? new Date(value) : undefined;
  if (!instant || Number.isNaN(instant.getTime()) || instant.getUTCFullYear() < 1 || instant.getUTCFullYear() > 9999) {
    throw new GraphQLError('DateTime must be an ISO 8601 date and time with an offset', { extensions: { code: 'BAD_USER_INPUT' } });
  }
  return instant;
}
