import { GraphQLError, Kind } from 'graphql';
import { builder } from './builder.ts';

/** RFC 3339, 5.6: `date-time`. */
const DATE_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(?:Z|[+-](\d\d):(\d\d))$/;

builder.scalarType('DateTime', {
  description:
    'An RFC 3339 date and time with seconds and an offset, e.g. `2026-11-05T11:59:34.120Z`, in the years 1 to 9999. Responses are in UTC with milliseconds.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  serialize: (value) => (value instanceof Date ? value.toISOString() : String(value)),
  parseValue: parse,
  parseLiteral: (node) => parse(node.kind === Kind.STRING ? node.value : undefined),
});

function parse(value: unknown): Date {
  const instant = typeof value === 'string' ? instantOf(value.toUpperCase()) : undefined;
  if (instant) return instant;
  throw new GraphQLError('DateTime must be an RFC 3339 date and time with seconds and an offset, e.g. 2026-11-05T11:59:34Z', {
    extensions: { code: 'BAD_USER_INPUT' },
  });
}

function instantOf(text: string): Date | undefined {
  const [, local, offsetHours = '00', offsetMinutes = '00'] = DATE_TIME.exec(text) ?? [];
  if (local === undefined || offsetHours > '23' || offsetMinutes > '59') return undefined;
  // 30 February and 24:00 are parsed as another time.
  const asUtc = new Date(`${local}Z`);
  if (Number.isNaN(asUtc.getTime()) || asUtc.toISOString().slice(0, local.length) !== local) return undefined;
  const instant = new Date(text);
  const year = instant.getUTCFullYear();
  return year >= 1 && year <= 9999 ? instant : undefined;
}
