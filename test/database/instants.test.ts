import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/database/connect.ts';
import { instant, isoInstant } from '../../src/database/instants.ts';
import { createTestDatabase } from '../support/database.ts';

let database: Database;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.close());

const between = (first: string, last: string) => fc.integer({ min: Date.parse(first), max: Date.parse(last) }).map((ms) => new Date(ms));
/** Whole seconds, and edges of years, more often than chance has them. */
const date = fc.oneof(
  between('0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z'),
  between('2000-01-01T00:00:00Z', '2040-01-01T00:00:00Z').map((one) => new Date(Math.floor(one.getTime() / 1000) * 1000)),
  fc
    .constantFrom(
      '0001-01-01T00:00:00Z',
      '0099-12-31T23:59:59.999Z',
      '0100-01-01T00:00:00Z',
      '9999-12-31T23:59:59.999Z',
      '2024-02-29T12:00:00.1Z',
    )
    .map((text) => new Date(text)),
);

describe('a time in the database’s form', () => {
  const runs = { numRuns: Number(process.env.PROPERTY_RUNS ?? 30) };

  test('is parsed as its value, and written as Date writes it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(date, { minLength: 1, maxLength: 100 }), async (dates) => {
        const rows = await database.sql.query<{ text: string }>(
          'SELECT given.at::text AS text FROM unnest($1::timestamptz[]) WITH ORDINALITY AS given (at, place) ORDER BY given.place',
          [dates.map((one) => one.toISOString())],
        );
        expect(rows.map(({ text }) => instant(text))).toEqual(dates);
        expect(rows.map(({ text }) => isoInstant(text))).toEqual(dates.map((one) => one.toISOString()));
      }),
      runs,
    );
  });

  test('is written alike by both, for any fraction and offset', async () => {
    const pad = (value: number, length: number) => String(value).padStart(length, '0');
    const written = fc.tuple(
      date,
      fc.oneof(
        fc.constant(''),
        fc.tuple(fc.integer({ min: 1, max: 6 }), fc.nat(999_999)).map(([length, value]) => `.${pad(value, 6).slice(0, length)}`),
      ),
      fc.constantFrom('+00', '+01', '-03:30', '+05:45', '-11', '+00:53:28'),
    );
    fc.assert(
      fc.property(written, ([one, fraction, offset]) => {
        const text = `${one.toISOString().slice(0, 19).replace('T', ' ')}${fraction}${offset}`;
        expect(isoInstant(text)).toBe(instant(text).toISOString());
      }),
      { numRuns: runs.numRuns * 30 },
    );
  });
});
