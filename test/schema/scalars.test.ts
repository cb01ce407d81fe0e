import fc from 'fast-check';
import type { GraphQLScalarType } from 'graphql';
import { describe, expect, test } from 'vitest';
import { schema } from '../../schema/index.ts';

const dateTime = schema.getType('DateTime') as GraphQLScalarType;

describe('DateTime', () => {
  test.each([
    ['2026-11-05T11:59:34Z', '2026-11-05T11:59:34.000Z'],
    ['2026-11-05T11:59:34.12Z', '2026-11-05T11:59:34.120Z'],
    ['2026-11-05T11:59:34.123456789Z', '2026-11-05T11:59:34.123Z'],
    ['2026-11-05t11:59:34z', '2026-11-05T11:59:34.000Z'],
    ['2026-11-05T11:59:34+05:30', '2026-11-05T06:29:34.000Z'],
    ['2026-11-05T11:59:34-23:59', '2026-11-06T11:58:34.000Z'],
    ['2024-02-29T00:00:00-00:00', '2024-02-29T00:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['2026-11-05T11:59:34.1234567890123Z', '2026-11-05T11:59:34.123Z'],
    // RFC 3339, 5.8: the leap second at the end of 1990, in two places.
    ['1990-12-31T23:59:60Z', '1991-01-01T00:00:00.000Z'],
    ['1990-12-31T15:59:60.5-08:00', '1991-01-01T00:00:00.000Z'],
  ])('%s is an instant', (text, instant) => {
    expect((dateTime.parseValue(text) as Date).toISOString()).toBe(instant);
  });

  test.each([
    ...['2026-02-30T00:00:00Z', '2025-02-29T00:00:00Z', '2026-04-31T00:00:00Z', '2026-00-01T00:00:00Z', '2026-13-01T00:00:00Z'],
    ...[
      '2026-11-05T24:00:00Z',
      '2026-11-05T23:60:00Z',
      '2026-11-05T23:59:60Z',
      '2016-12-31T22:59:60Z',
      '2026-11-31T23:59:60Z',
      '2026-11-05T11:59Z',
      '2026-11-05T11Z',
      '2026-11-05',
    ],
    ...[
      '2026-11-05T11:59:34',
      '2026-11-05 11:59:34Z',
      '2026-11-05T11:59:34+24:00',
      '2026-11-05T11:59:34+01:60',
      '2026-11-05T11:59:34+0100',
    ],
    ...[
      '2026-11-05T11:59:34.Z',
      '2026-11-05T11:59:34,5Z',
      '0000-12-31T23:59:59Z',
      '0001-01-01T00:00:00+00:01',
      '9999-12-31T23:59:59-00:01',
    ],
    ...['+2026-11-05T11:59:34Z', ' 2026-11-05T11:59:34Z', '2026-11-05T11:59:34Z\n', '', 'yesterday', 1_793_880_000_000, null, {}],
  ])('%j is none', (value) => {
    expect(() => dateTime.parseValue(value)).toThrow('DateTime must be an RFC 3339 date and time');
  });

  test('keeps every instant that it can write', () => {
    const times = fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true });
    fc.assert(
      fc.property(times, (time) => {
        expect(dateTime.parseValue(dateTime.serialize(time))).toEqual(time);
      }),
    );
  });
});
