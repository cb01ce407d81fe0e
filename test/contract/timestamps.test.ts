import { describe, expect, test } from 'vitest';
import { timestamp } from '../../src/contract/operations/timestamps.ts';

describe('a time in a response', () => {
  test.each([
    ['iso', '2020-11-05T11:59:34+0000', '2020-11-05T11:59:34.000Z'],
    ['sql', '2020-11-06 11:27:44.0', '2020-11-06T11:27:44.000Z'],
    ['java', 'Fri Nov 06 09:44:33 UTC 2020', '2020-11-06T09:44:33.000Z'],
  ] as const)('is written in the recorded %s form: %s', (form, recorded, time) => {
    expect(timestamp(time, form)).toBe(recorded);
  });

  test('is its whole second, never rounded up', () => {
    expect(timestamp('2020-12-31T23:59:59.999Z', 'iso')).toBe('2020-12-31T23:59:59+0000');
    expect(timestamp('2020-12-31T23:59:59.999Z', 'sql')).toBe('2020-12-31 23:59:59.0');
    expect(timestamp('2020-12-31T23:59:59.999Z', 'java')).toBe('Thu Dec 31 23:59:59 UTC 2020');
  });
});
