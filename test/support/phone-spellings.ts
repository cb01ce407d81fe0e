import fc from 'fast-check';
import examples from 'libphonenumber-js/examples.mobile.json' with { type: 'json' };
import { type Examples, getCountries, getExampleNumber, parsePhoneNumberFromString } from 'libphonenumber-js/max';

/** A valid number of any region, in E.164: its region's example, with other last digits where they make a valid number. */
export const phones: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom(...getCountries()), fc.stringMatching(/^[0-9]{3}$/))
  .map(([region, end]) => {
    const example = getExampleNumber(region, examples as Examples)?.number ?? '+4915123456789';
    const changed = example.slice(0, -3) + end;
    const read = parsePhoneNumberFromString(changed);
    return read?.isValid() && read.number === changed ? changed : example;
  });

/** How the digits of a number are separated: one entry a digit, before it. */
const gaps = (separators: readonly string[]) =>
  fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant('') }, fc.constantFrom(...separators)), { minLength: 15, maxLength: 15 });

const spread = (digits: string, between: readonly string[]) =>
  Array.from(digits, (digit, index) => (index === 0 ? '' : (between[index] ?? '')) + digit).join('');

/** A number as people write one in a form: all that REST.md lets pass. */
export const plainSpelling = (number: string): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom('+', '00', ''), gaps([' ', '-', '.', '\u00a0', '\u2011', ' - '])).map(([prefix, between]) => {
    return prefix + spread(number.slice(1), between);
  });

/** A number as carriers write one, or people paste one. */
export const anySpelling = (number: string): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom('+', '00', '', 'tel:+', 'TEL:+', 'sms:+', '\uff0b', ' +', '\u202a+', '+\u200b'),
      gaps([' ', '-', '.', '/', '\u00a0', '\u2011', '\u200b', '\u2009']),
      fc.constantFrom('', ' ', '\u202c', ';npdi'),
      fc.boolean(),
    )
    .map(([prefix, between, end, wide]) => {
      const spelled = prefix + spread(number.slice(1), between) + end;
      return wide ? spelled.replace(/[0-9]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0)) : spelled;
    });
