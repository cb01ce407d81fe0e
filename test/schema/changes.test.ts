import { describe, expect, test } from 'vitest';
// @ts-expect-error: plain JavaScript, run by CI without a build
import { verdict } from '../../.ci/schema-changes.mjs';

const change = (level: string, message: string) => ({ criticality: { level }, message });
const changes = [
  change('NON_BREAKING', 'a field was added'),
  change('DANGEROUS', 'a member was added'),
  change('BREAKING', 'a field was removed'),
];

describe('the changes of the schema since the last release', () => {
  test('are listed by severity, and break no run before 1.0', () => {
    expect(verdict(changes, '0.9.0')).toEqual({
      lines: ['BREAKING: a field was removed', 'DANGEROUS: a member was added', 'NON_BREAKING: a field was added'],
      isAllowed: true,
    });
  });

  test('must not be breaking from 1.0', () => {
    expect(verdict(changes, '1.0.0').isAllowed).toBe(false);
    expect(verdict(changes.slice(0, 2), '1.0.0').isAllowed).toBe(true);
    expect(verdict([], '1.0.0')).toEqual({ lines: [], isAllowed: true });
  });
});
