import { GraphQLError, Kind, type ValueNode } from 'graphql';
import { builder } from './builder.ts';

/** RFC 3339, 5.6: `date-time`. */
const DATE_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:)(\d\d)(?:\.\d+)?(?:Z|[+-](\d\d):(\d\d))$/;
const MINUTE_MS = 60_000;

builder.scalarType('DateTime', {
  description:
    'An RFC 3339 date and time with seconds and an offset, e.g. `2026-11-05T11:59:34.120Z`, in the years 1 to 9999. A leap second counts as the second after it. Responses are in UTC with milliseconds.',
  specifiedByURL: 'https://scalars.graphql.org/andimarek/date-time.html',
  serialize: (value) => (value instanceof Date ? value.toISOString() : String(value)),
  parseValue: (value) => parse(value),
  parseLiteral: (node) => parse(node.kind === Kind.STRING ? node.value : undefined, node),
});

/** @param node where the value is in the document */
function parse(value: unknown, node?: ValueNode): Date {
  const instant = typeof value === 'string' ? instantOf(value.toUpperCase()) : undefined;
  if (instant) return instant;
  throw new GraphQLError('DateTime must be an RFC 3339 date and time with seconds and an offset, e.g. 2026-11-05T11:59:34Z', {
    nodes: node,
    extensions: { code: 'BAD_USER_INPUT' },
  });
}

function instantOf(text: string): Date | undefined {
  const [, minute, second = '', offsetHours = '00', offsetMinutes = '00'] = DATE_TIME.exec(text) ?? [];
  if (minute === undefined || offsetHours > '23' || offsetMinutes > '59') return undefined;
  if (second === '60') return endOfLeapSecond(text.replace(/:60.*?(?=Z|[+-])/, ':00'));
  const local = minute + second;
  // 30 February and 24:00 are parsed as another time.
  const asUtc = new Date(`${local}Z`);
  if (Number.isNaN(asUtc.getTime()) || asUtc.toISOString().slice(0, local.length) !== local) return undefined;
  const instant = new Date(text);
  const year = instant.getUTCFullYear();
  return year >= 1 && year <= 9999 ? instant : undefined;
}

/**
 * The instant after a leap second, which has none of its own in POSIX time. RFC 3339, 5.7: one is only at the end of a month, in UTC.
 * @param start the time at which that minute begins, with its offset
 */
function endOfLeapSecond(start: string): Date | undefined {
  const beginning = instantOf(start);
  if (!beginning) return undefined;
  const end = new Date(beginning.getTime() + MINUTE_MS);
  return /-01T00:00:00\.000Z$/.test(end.toISOString()) && end.getUTCFullYear() <= 9999 ? end : undefined;
}
