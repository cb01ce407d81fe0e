import fc from 'fast-check';
import examples from 'libphonenumber-js/examples.mobile.json' with { type: 'json' };
import {
  type CountryCode,
  type Examples,
  getCountries,
  getExampleNumber,
  type PhoneNumber,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/max';
import { expect, test } from 'vitest';
import { toE164 } from '../../../../src/domain/values/phone-numbers.ts';
import { readAddressing } from '../../../../src/exchange/teams/reading/addressing.ts';

// Whatever valid number a text begins with, and however it is written: the text goes to that number, or its writer is asked.

const example = (region: CountryCode) => getExampleNumber(region, examples as Examples) as PhoneNumber;

/** A valid number of any region: its example, with digits changed, added and left out as long as it stays valid. */
const numbers = fc
  .record({
    region: fc.constantFrom(...getCountries()),
    changes: fc.array(fc.record({ at: fc.integer({ min: 1, max: 15 }), digits: fc.constantFrom('', ...'01234567890123456789', '12') }), {
      maxLength: 10,
    }),
  })
  .map(({ region, changes }) =>
    changes.reduce((number, { at, digits }) => {
      const { countryCallingCode, nationalNumber } = number;
      const changed = nationalNumber.slice(0, at - 1) + digits + nationalNumber.slice(at);
      const read = parsePhoneNumberFromString(`+${countryCallingCode}${changed}`, { extract: false });
      return read?.isValid() && read.nationalNumber === changed ? read : number;
    }, example(region)),
  )
  // The old numbers of Gabon cannot be told from its new ones.
  .filter((number) => number.countryCallingCode !== '241');

const FULL_WIDTH = [...'０１２３４５６７８９'];
const INVISIBLE = ['\u200b', '\u202a', '\u202c', '\u2066', '\u2069', '\ufeff', '\u200e', '\u00ad'];
const SEPARATORS = [' ', '\u00a0', '-', '\u2011', '–', '.', '/', ' - ', ' / ', '\u2009', '  '];

/** How a person might change a spelling: separators, full-width digits and plus, what no screen shows. */
const hand = fc.record({
  separator: fc.option(fc.constantFrom(...SEPARATORS), { nil: undefined }),
  fullWidth: fc.boolean(),
  invisible: fc.array(fc.record({ at: fc.nat(30), character: fc.constantFrom(...INVISIBLE) }), { maxLength: 3 }),
  around: fc.constantFrom('', '', '', '()', '<>', '""', "''", '“”', '„“', '«»', '[]', '**', '\u202a\u202c'),
});

function written(
  spelling: string,
  { separator, fullWidth, invisible, around }: typeof hand extends fc.Arbitrary<infer H> ? H : never,
): string {
  let text = separator === undefined ? spelling : spelling.replace(/ /g, separator);
  if (fullWidth) text = text.replace(/[0-9]/g, (digit) => FULL_WIDTH[Number(digit)] as string).replace('+', '＋');
  for (const { at, character } of invisible) text = text.slice(0, at) + character + text.slice(at);
  return around.slice(0, around.length / 2) + text + around.slice(around.length / 2);
}

/** Digits in groups of one to five, split anywhere. */
const split = (digits: string, lengths: readonly number[]) => {
  const groups: string[] = [];
  let rest = digits;
  for (const length of lengths) {
    if (rest === '') break;
    groups.push(rest.slice(0, length));
    rest = rest.slice(length);
  }
  return [...groups, ...(rest ? [rest] : [])].join(' ');
};

const international = fc
  .tuple(numbers, fc.nat(6), fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 8 }))
  .map(([number, how, lengths]) => {
    const code = `+${number.countryCallingCode}`;
    const spelling = [
      () => number.formatInternational(),
      () => number.number,
      () => number.format('RFC3966'),
      () => `00${number.number.slice(1)}`,
      () => `${code} ${number.formatNational().replace(/^\(?0/, (zero) => (zero === '0' ? '(0)' : '(0) ('))}`,
      () => `(${code}) ${number.formatInternational().slice(code.length + 1)}`,
      () => `+${split(number.number.slice(1), lengths)}`,
    ][how] as () => string;
    return { number, spelling: spelling() };
  });

/** What follows a number, and does not belong to it. */
const separators = fc.constantFrom(' ', ' ', ' ', '\n', ': ', ', ', '; ', ' - ', '\u00a0', '\t', ' – ', '. ');
const beginnings = fc.oneof(
  fc.constantFrom(
    'hi',
    'Hello there',
    '100 is my answer',
    '2 apples',
    '5pm?',
    '10:30 ok',
    '(2) things',
    '5',
    '7 8 9',
    '2026-05-12',
    '1 (one)',
    '50%',
    '3.5',
  ),
  fc.constantFrom('привет', '你好', 'こんにちは', 'مرحبا', 'x', 'ext', '👍 fine', '"quoted"', 'É', '12 Uhr', '1234567', '0', '00'),
  fc.nat(99_999).map(String),
);
const texts = fc.tuple(beginnings, fc.string({ unit: 'binary', maxLength: 20 })).map(([beginning, rest]) => {
  const text = `${beginning} ${rest}`;
  return text.replace(/[\s\p{Default_Ignorable_Code_Point}]+$/u, '');
});

test('a number in any international notation before any text gives that number and that text, or a question', () => {
  let sent = 0;
  let asked = 0;
  fc.assert(
    fc.property(
      international,
      hand,
      separators,
      texts,
      fc.constantFrom(undefined, 'DE', 'US', 'GB', 'IT'),
      (given, by, separator, text, region) => {
        const read = readAddressing(written(given.spelling, by) + separator + text, { region });
        if (read.kind === 'target') {
          sent += 1;
          expect([read.target.number, read.body]).toEqual([given.number.number, text]);
        } else {
          asked += 1;
          expect(read.kind).toBe('unclear');
        }
      },
    ),
    { numRuns: 1500 },
  );
  expect(sent).toBeGreaterThan(asked);
});

test('a number in its region’s own notation before any text gives that number and that text, or a question', () => {
  fc.assert(
    fc.property(numbers, hand, separators, texts, (number, by, separator, text) => {
      const spelling = number.formatNational();
      const read = readAddressing(written(spelling, by) + separator + text, { region: number.country });
      if (read.kind === 'target') expect([read.target.number, read.body]).toEqual([number.number, text]);
      // Six digits may be any.
      if (read.kind === 'none') expect(spelling.replace(/[^0-9]/g, '').length).toBeLessThanOrEqual(6);
    }),
    { numRuns: 1500 },
  );
});

test('a number that lost a digit or two before any text is not taken for an amount, a date or a sentence', () => {
  const lost = fc.tuple(numbers, fc.array(fc.nat(14), { minLength: 1, maxLength: 2 }), fc.boolean());
  const said = fc.constantFrom('hi', 'ist fertig', 'is ready', 'Ihr Paket ist da', '5 Uhr?', '20 €', 'Grad', 'war schön');
  fc.assert(
    fc.property(lost, said, ([number, places, national], text) => {
      const spelling = national ? number.formatNational() : number.formatInternational();
      const digits = [...spelling].filter((character) => /[0-9]/.test(character)).length;
      let at = -1;
      const written = [...spelling].filter((character) => {
        if (!/[0-9]/.test(character)) return true;
        at += 1;
        // Not of the calling code or the prefix, without which it is another number.
        return at < 3 || !places.map((place) => place % digits).includes(at);
      });
      const left = written.filter((character) => /[0-9]/.test(character)).length;
      // Eight may be a code that a sentence is about.
      fc.pre(national ? left > 8 : left > 3);
      expect(readAddressing(`${written.join('')} ${text}`, { region: number.country }).kind).not.toBe('none');
    }),
    { numRuns: 1500 },
  );
});

test('an amount after a plus, or a date, before any words is part of the text', () => {
  const amounts = fc.oneof(
    fc.tuple(fc.constantFrom('+', '＋', '+ ', '(+'), fc.nat(999)).map(([plus, amount]) => plus + amount + (plus === '(+' ? ')' : '')),
    fc
      .date({ min: new Date('1900-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
      .map((date) => date.toISOString().slice(0, 10).replaceAll('-', '')),
    fc.integer({ min: 1, max: 999 }).map((millions) => `${millions}.000.000`),
  );
  const words = fc.constantFrom('Grad heute', 'points', 'Stück', 'from me', 'человек', '度です', 'Ihr Paket ist da');
  fc.assert(
    fc.property(amounts, words, (amount, said) => {
      const text = `${amount} ${said}`;
      const read = readAddressing(text, { region: 'DE' });
      // Some digits are also an international number.
      if (read.kind === 'unclear' && read.readings.length > 0) expect(amount).not.toMatch(/^\D/);
      else expect(read).toEqual({ kind: 'none', body: text });
    }),
    { numRuns: 1500 },
  );
});

test.each(getCountries())('the example number of %s is read in its common notations', (region) => {
  const number = example(region);
  const bodies = ['hi', 'Guten Tag, 2 Stück', '你好'];
  for (const spelling of [number.number, number.formatInternational(), number.format('RFC3966'), `00${number.number.slice(1)}`]) {
    for (const body of bodies) {
      const read = readAddressing(`${spelling} ${body}`, { region });
      expect(read).toEqual({ kind: 'target', target: { number: number.number, written: expect.any(String) }, body });
    }
  }
});

test('every notation of a number has the same form', () => {
  fc.assert(
    fc.property(international, hand, ({ number, spelling }, by) => {
      expect(toE164(written(spelling, { ...by, around: '' }))).toBe(number.number);
      const national = number.formatNational();
      // Without a 0, digits are international where they can be.
      if (/^\(?0/.test(national) && number.country)
        expect(toE164(written(national, { ...by, around: '' }), number.country)).toBe(number.number);
    }),
    { numRuns: 1000 },
  );
});

test('any beginning of a text is read in linear time and without an error', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.constantFrom('', '+', '+49 30', 'from +1', '00', '('), (text, before) => {
      const read = readAddressing(before + text, { region: 'DE', ownNumbers: ['+15714234567'] });
      if (read.kind === 'none' && before.startsWith('+49')) expect(read).toBe('unreachable');
    }),
    { numRuns: 1500 },
  );
  for (const long of [
    '+49 '.repeat(20_000),
    '1 '.repeat(40_000),
    ' '.repeat(100_000),
    '('.repeat(100_000),
    `+16502530000${'.'.repeat(50_000)} hi`,
  ]) {
    const started = performance.now();
    readAddressing(long, { region: 'DE' });
    expect(performance.now() - started).toBeLessThan(500);
  }
});
