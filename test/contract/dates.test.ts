import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDate } from '../../src/contract/operations/dates.ts';

describe('a date in a query', () => {
  test.each([
    ['2018-10-05', '2018-10-05T00:00:00.000Z'],
    ['2018-10-05T22:45:32', '2018-10-05T22:45:32.000Z'],
    ['2018-10-05T22:45', '2018-10-05T22:45:00.000Z'],
    ['2018-10-05T22:45:32Z', '2018-10-05T22:45:32.000Z'],
    ['2018-10-05t22:45:32z', '2018-10-05T22:45:32.000Z'],
    ['2019-10-10T13:13:48+0000', '2019-10-10T13:13:48.000Z'],
    ['2019-10-10T13:13:48+00:00', '2019-10-10T13:13:48.000Z'],
    ['2019-10-10T13:13:48 0000', '2019-10-10T13:13:48.000Z'],
    ['2019-10-10T13:13:48 00:00', '2019-10-10T13:13:48.000Z'],
    ['2019-10-10T13:13:48-0000', '2019-10-10T13:13:48.000Z'],
    ['2019-10-10T13:13:48+02:00', '2019-10-10T11:13:48.000Z'],
    ['2019-10-10T13:13:48-0530', '2019-10-10T18:43:48.000Z'],
    ['2020-11-06 11:27:44.0', '2020-11-06T11:27:44.000Z'],
    ['2020-11-06T11:27:44.1239Z', '2020-11-06T11:27:44.123Z'],
    ['2020-02-29', '2020-02-29T00:00:00.000Z'],
  ])('%s is %s', (text, time) => {
    expect(parseDate(text, 'start')).toBe(time);
  });

  test.each([
    '',
    'yesterday',
    '2018-10',
    '20181005',
    '2018-02-30',
    '2019-02-29',
    '2018-13-01',
    '2018-00-01',
    '2018-10-05T24:00:00',
    '2018-10-05T22:60',
    '2018-10-05T22:45:60',
    '2018-10-05T22:45:32+24:00',
    '2018-10-05T22:45:32+0060',
    '2018-10-05T22:45:32 UTC',
    '2018-10-05Z',
    '0000-01-01',
    '0001-01-01T00:00+14:00',
    '9999-12-31T23:59-01:00',
    '1541454332',
    '2018-10-05T22:45:32Z\n',
  ])('%j is not a date', (text) => {
    expect(parseDate(text, 'start')).toBeUndefined();
  });

  test('as an end includes its whole second, as precise as responses show it', () => {
    expect(parseDate('2018-10-06T02:10:03', 'end')).toBe('2018-10-06T02:10:03.999Z');
    expect(parseDate('2018-10-06T02:10:03+0000', 'end')).toBe('2018-10-06T02:10:03.999Z');
    expect(parseDate('2018-10-06 02:10:03.0', 'end')).toBe('2018-10-06T02:10:03.999Z');
    expect(parseDate('2018-10-06 02:10:03.00', 'end')).toBe('2018-10-06T02:10:03.000Z');
    expect(parseDate('2018-10-06T02:10:03.0Z', 'end')).toBe('2018-10-06T02:10:03.000Z');
    expect(parseDate('2018-10-06T02:10:03.5Z', 'end')).toBe('2018-10-06T02:10:03.500Z');
  });

  test('without a time means midnight, also as an end', () => {
    expect(parseDate('2018-10-06', 'end')).toBe('2018-10-06T00:00:00.999Z');
  });

  test('finds every row by the time that its response shows', () => {
    const day = fc.date({ min: new Date('0001-01-02T00:00:00Z'), max: new Date('9999-12-30T00:00:00Z'), noInvalidDate: true });
    fc.assert(
      fc.property(day, fc.constantFrom('', 'Z', '+0000', '+00:00', ' 0000', ' 00:00'), (row, offset) => {
        const shown = row.toISOString().slice(0, 19) + offset;
        const [start, end] = [parseDate(shown, 'start'), parseDate(shown, 'end')];
        expect(start && end && start <= row.toISOString() && row.toISOString() <= end).toBe(true);
      }),
    );
  });
});
