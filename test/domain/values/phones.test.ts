import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { comparedForm } from '../../../src/domain/values/phone-numbers.ts';
import { phoneOf } from '../../../src/domain/values/phones.ts';
import { isPhoneNumber } from '../../../src/domain/values/text.ts';
import { anySpelling, phones, plainSpelling } from '../../support/phone-spellings.ts';

describe('a phone', () => {
  test('is the same in any notation, whichever number it writes to', () => {
    fc.assert(
      fc.property(
        phones.chain((number) => fc.tuple(fc.constant(number), anySpelling(number), phones)),
        ([number, spelling, own]) => {
          expect(phoneOf(spelling, own)).toEqual({ compared: number.slice(1), dialled: number });
          expect(phoneOf(spelling)).toEqual({ compared: number.slice(1), dialled: number });
        },
      ),
    );
  });

  test.each([
    ['030 1234567', '+4930100000', '49301234567', '+49301234567'],
    ['5551230001', '+1 (212) 555-0100', '15551230001', '+15551230001'],
    ['030 1234567', undefined, '0301234567', '0301234567'],
    ['030 1234567', '68849', '0301234567', '0301234567'],
    ['68849', '+4930100000', '68849', '68849'],
    ['688-49', undefined, '68849', '68849'],
    ['22', undefined, '22', '22'],
    ['AMAZON', '+4930100000', 'amazon', 'AMAZON'],
    [' Amazon ', undefined, 'amazon', 'Amazon'],
    ['+16502530000;ext=5', undefined, '+16502530000;ext=5', '+16502530000;ext=5'],
  ])('%j that writes to %s', (written, own, compared, dialled) => {
    expect(phoneOf(written, own)).toEqual({ compared, dialled });
    expect(phoneOf(written, own)).toEqual({ compared, dialled });
  });
});

describe('the number of a mapping', () => {
  test('may have spaces, dashes, dots and parentheses', () => {
    fc.assert(
      fc.property(
        phones.chain((number) => fc.tuple(fc.constant(number), plainSpelling(number))),
        ([number, spelling]) => {
          expect(isPhoneNumber(spelling)).toBe(true);
          expect(comparedForm(spelling)).toBe(number.slice(1));
        },
      ),
    );
  });

  test.each(['+1 (571) 210-1234', '(571) 210-1234', '(+49) 30 1234567', '+ 49 30 123', '112', '+112', '571.210.1234', '5712101234 (0)'])(
    '%j is valid',
    (written) => {
      expect(isPhoneNumber(written)).toBe(true);
      // The database keeps nothing else.
      expect(comparedForm(written)).toMatch(/^[0-9]{3,18}$/);
    },
  );

  test.each(['', '12', '1 2', '+', '()', '-571', '571-', '57x1', '1'.repeat(19), '++571', '571+', '571\n210', '\u202a571', '１２３'])(
    '%j is not valid',
    (written) => expect(isPhoneNumber(written)).toBe(false),
  );

  test('in any form has digits that the database can store', () => {
    const characters = fc.constantFrom(...'0123456789', ' ', '-', '.', '(', ')', '\u00a0', '\u2011');
    fc.assert(
      fc.property(
        fc.constantFrom('', '+', '(', '(+', '00', '521', '+521', '+49 (0)'),
        fc.string({ unit: characters, maxLength: 40 }),
        (start, rest) => {
          const written = start + rest;
          if (isPhoneNumber(written)) expect(comparedForm(written)).toMatch(/^[0-9]{3,18}$/);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
