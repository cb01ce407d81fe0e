import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  comparedForm,
  digitsPrefix,
  isNationalSpelling,
  kindOfSender,
  plainCharacter,
  readDigits,
  regionOf,
  toE164,
} from '../../../src/domain/values/phone-numbers.ts';

describe('one phone has one form', () => {
  test.each([
    // As carriers write senders.
    '+15551230001',
    '15551230001',
    ' 15551230001',
    '+1 555 123 0001',
    '+1-555-123-0001',
    '+1(555)1230001',
    '+1 (555) 123-0001',
    '+1.555.123.0001',
    'tel:+15551230001',
    'tel:+1-555-123-0001',
    'TEL:+15551230001;npdi',
    'tel:123-0001;phone-context=+1-555',
    '<sip:+15551230001@carrier.example;user=phone>',
    '"Ann, at work" <sips:+1-555-123-0001@carrier.example>;tag=a6c85cf',
    'Ann <tel:+15551230001>',
    'sms:+15551230001?body=hi',
    'sip:+15551230001@carrier.example;user=phone',
    '0015551230001',
    '00 1 555 123 0001',
    '%2B15551230001',
    // As people copy them.
    '\uff0b１５５５１２３０００１',
    '+1\u00a0555\u00a0123\u00a00001',
    '+1\u2011555\u2011123\u20110001',
    '+1–555–123–0001',
    '\u202a+15551230001\u202c',
    '\u200e+1 555\u200b 123 0001\ufeff',
    '\u2066+15551230001\u2069',
    '+١٥٥٥١٢٣٠٠٠١',
    '+१५५५१२३०००१',
    '+1 [555] 123/0001',
  ])('%j', (written) => {
    expect(toE164(written)).toBe('+15551230001');
    expect(toE164(written, 'DE')).toBe('+15551230001');
    expect(comparedForm(written)).toBe('15551230001');
    expect(kindOfSender(written)).toBe('phone');
  });

  test.each([
    ['+44 (0)20 7946 0958', '+442079460958'],
    ['+44 020 7946 0958', '+442079460958'],
    ['(+49) 30 1234567', '+49301234567'],
    ['+490301234567', '+49301234567'],
    // Italy's 0 is part of the number: without it, this one is a mobile.
    ['+39 (0)341 123456', '+390341123456'],
    ['+39 0341 123456', '+390341123456'],
    // Mexican mobiles had a 1, Argentine ones have a 15 at home and a 9 from abroad.
    ['+5215512345678', '+525512345678'],
    ['+54 11 15 2345 6789', '+5491123456789'],
    // Short plans: Niue, Saint Helena.
    ['+683 4002', '+6834002'],
    ['29022222', '+29022222'],
    // Of no known plan, but complete.
    ['+447700900123', '+447700900123'],
    ['447700900123', '+447700900123'],
    ['+44 (0)7700 900123', '+447700900123'],
    ['+4407700900123', '+447700900123'],
    ['+999123456', '+999123456'],
  ])('%j is %s', (written, number) => {
    expect(toE164(written)).toBe(number);
    expect(toE164(number)).toBe(number);
  });

  test.each([
    ['030 1234567', 'DE', '+49301234567'],
    ['(030) 1234567', 'DE', '+49301234567'],
    ['0170/1234567', 'DE', '+491701234567'],
    ['0170 1234567', 'AT', '+431701234567'],
    ['07700 900123', 'GB', '+447700900123'],
    ['6502530000', 'US', '+16502530000'],
    ['(650) 253-0000', 'US', '+16502530000'],
    ['1 650 253 0000', 'US', '+16502530000'],
    ['5551230001', 'US', '+15551230001'],
    ['2025550123', 'US', '+12025550123'],
    ['011 44 20 7946 0958', 'US', '+442079460958'],
    ['0011 44 20 7946 0958', 'AU', '+442079460958'],
    ['8 912 345-67-89', 'RU', '+79123456789'],
    ['06 1234 5678', 'IT', '+390612345678'],
    ['20 12 34 56', 'DK', '+4520123456'],
    ['011 15-2345-6789', 'AR', '+5491123456789'],
    ['06 30 123 4567', 'HU', '+36301234567'],
  ])('%j in %s is %s', (written, region, number) => expect(toE164(written, region)).toBe(number));

  test('national numbers without their region have no form, and neither has a German one without its 0', () => {
    expect(toE164('030 1234567')).toBeUndefined();
    expect(toE164('030 1234567', 'XX')).toBeUndefined();
    expect(toE164('170 1234567', 'DE')).toBeUndefined();
  });

  test('digits without plus are international if possible, even if the region has such a number', () => {
    // 0155 51230001 is a German mobile.
    expect(toE164('15551230001', 'DE')).toBe('+15551230001');
    expect(toE164('447911123456', 'US')).toBe('+447911123456');
  });
});

describe('digits after a plus', () => {
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 22 });

  test('are of no region, and are read like the same number in any notation', () => {
    fc.assert(
      fc.property(digits, fc.constantFrom('US', 'DE', 'IT', 'GB', undefined), (number, region) => {
        const form = toE164(`+${number}`, region);
        expect(form).toBe(toE164(`+${number}`));
        expect(form).toBe(toE164(` +${number}`, region));
        expect(form).toBe(toE164(`tel:+${number}`, region));
      }),
    );
  });
});

test('a text that looks like a region and a number changes nothing for that number', () => {
  expect(toE164('DE:01701234568')).toBeUndefined();
  expect(toE164('01701234568', 'DE')).toBe('+491701234568');
  expect(toE164('DE:01701234568')).toBeUndefined();
});

describe('not a phone:', () => {
  test.each([
    'AMAZON',
    '1-800-FLOWERS',
    'info@contoso.example',
    '',
    ' ',
    '+',
    '22',
    '+22',
    '+1 650 253 0000 ext. 5',
    'tel:+16502530000;ext=5',
    'sip:anna@carrier.example',
    '+16502530000@carrier.example',
  ])('%j has no form and cannot be answered', (written) => {
    expect(toE164(written)).toBeUndefined();
    expect(kindOfSender(written)).toBe('name');
  });

  test.each(['68849', '+68849', '688-49', '123', '22222', '1234567890123456'])('%j has no form and is answered unchanged', (written) => {
    expect(toE164(written, 'US')).toBeUndefined();
    expect(kindOfSender(written, 'US')).toBe('shortCode');
    expect(comparedForm(written, 'US')).toBe(written.replace(/[-+]/g, ''));
  });

  test('names are compared regardless of case', () => expect(comparedForm(' Amazon ')).toBe(comparedForm('AMAZON')));
});

describe('the region of a number', () => {
  test.each([
    ['+49301234567', 'DE'],
    ['15714234567', 'US'],
    ['+15551230001', 'US'],
    ['+1 416 555 0123', 'CA'],
    ['+447781123456', 'GG'],
    ['+77710009998', 'KZ'],
    ['+80012345678', undefined],
    ['+999123456', undefined],
    ['68849', undefined],
    ['AMAZON', undefined],
  ])('of %s is %s', (written, region) => expect(regionOf(written)).toBe(region));
});

describe('the beginning of a number', () => {
  test.each(['1571', '+1571', '%2B1571', ' 1571', '001571', '00 1 571', 'tel:+1571', '+1 (571)', '+1-571', '\u202a+1571', '\uff0b1571'])(
    '%j finds each notation of +1 571 423 4567',
    (written) => {
      expect(digitsPrefix(written)).toBe('1571');
      for (const number of ['+15714234567', '1 571 423 4567', '0015714234567', 'tel:+1-571-423-4567'])
        expect(comparedForm(number).startsWith(digitsPrefix(written) as string)).toBe(true);
    },
  );

  test.each([
    ['+', ''],
    ['00', ''],
    ['0', '0'],
    ['+44 (0)20', '4420'],
    ['+44 (0)20 7946 0958', '442079460958'],
    ['+39 (0)341 123456', '390341123456'],
    ['+52155', '5255'],
    ['68849', '68849'],
  ])('%j is %j', (written, prefix) => expect(digitsPrefix(written)).toBe(prefix));

  test.each(['AMAZON', 'sunny1@contoso.example', '', '12a', '1+2', '1'.repeat(201)])('%j is not one', (written) =>
    expect(digitsPrefix(written)).toBeUndefined(),
  );
});

test('digits are read by the numbering plans, with the certainty of each reading', () => {
  const certain = (number: string) => [{ number, certain: true }];
  expect(readDigits('4917012345672', true)).toEqual(certain('+4917012345672'));
  expect(readDigits('004917012345672', false)).toEqual(certain('+4917012345672'));
  expect(readDigits('017012345672', false, 'DE')).toEqual(certain('+4917012345672'));
  expect(readDigits('4917012345672', false, 'DE')).toEqual([{ number: '+4917012345672', certain: false }]);
  expect(readDigits('6502530000', false, 'US')).toEqual([{ number: '+16502530000', certain: false }]);
  // A free number: too like a list of times.
  expect(readDigits('08001234567', false, 'DE')).toEqual([{ number: '+498001234567', certain: false }]);
  expect(readDigits('100', true)).toEqual([]);
  expect(readDigits('15551230001', true)).toEqual([]);
});

test('each region groups its national numbers in its own way', () => {
  expect(isNationalSpelling('+16502530000', ['650', '253', '0000'])).toBe(true);
  expect(isNationalSpelling('+16502530000', ['65', '02', '53', '00', '00'])).toBe(false);
});

test('any script’s digits, pluses, hyphens and spaces become plain, and invisible characters empty', () => {
  expect(Array.from('\u202a＋٤४𝟜\u2011\u00a0\u3000x\n\u00ad\u200d', plainCharacter)).toEqual([
    '',
    '+',
    '4',
    '4',
    '4',
    '-',
    ' ',
    ' ',
    'x',
    '\n',
    '',
    '',
  ]);
});
