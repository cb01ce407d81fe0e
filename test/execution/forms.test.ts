import fc from 'fast-check';
import { expect, test } from 'vitest';
import { boolean, type Form, globalIdOf, instant, list, nullOr, number, text } from '../../src/execution/forms.ts';

// Texts as PostgreSQL writes them.
const texts = fc.string({ unit: 'grapheme' }).map((value) => value.toWellFormed().replaceAll('\0', ''));
const times = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });
const written = times.map(
  (time) =>
    `${time
      .toISOString()
      .replace('T', ' ')
      .replace(/\.?0*Z$/, '')}+00`,
);
const forms: readonly [string, Form, fc.Arbitrary<string>][] = [
  [
    'a text',
    text,
    fc.oneof(
      texts,
      fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed() && !value.includes('\0')),
    ),
  ],
  ['a number', number, fc.integer().map(String)],
  ['a boolean', boolean, fc.constantFrom('t', 'f', 'true', 'false')],
  ['a time', instant, written],
  ['a list', list, fc.array(texts).map((values) => JSON.stringify(values))],
  ['a global id', globalIdOf('Message'), texts],
];
const nullable = forms.map(([name, form, values]): (typeof forms)[number] => [
  `${name}, or null`,
  nullOr(form),
  fc.option(values).map((value) => (value === null ? '' : `=${value}`)),
]);

test.each([...forms, ...nullable])('the JSON of %s is parsed to the value that is read', (_name, form, values) => {
  fc.assert(
    fc.property(values, (value) => {
      expect(JSON.parse(form.write(value))).toStrictEqual(form.read(value));
    }),
  );
});
