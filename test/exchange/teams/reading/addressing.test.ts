import { describe, expect, test } from 'vitest';
import { readAddressing } from '../../../../src/exchange/teams/reading/addressing.ts';

const target = (number: string, body: string) => ({ kind: 'target', target: { number, written: expect.any(String) }, body });

describe('a text goes to the number at its beginning', () => {
  test.each([
    // As people type them.
    ['+16502530000 hi', '+16502530000', 'hi'],
    ['+1 650-253-0000 hi', '+16502530000', 'hi'],
    ['+353 86 123 4567 hi', '+353861234567', 'hi'],
    ['+353 87 123 4567 See you at 5', '+353871234567', 'See you at 5'],
    ['+44 20 7946 0958 hi', '+442079460958', 'hi'],
    ['+1 (650) 253-0000 hi', '+16502530000', 'hi'],
    ['+44 (0)20 7946 0958 hi', '+442079460958', 'hi'],
    ['+44 (0) 20 7946 0958 hi', '+442079460958', 'hi'],
    ['+44 020 7946 0958 hi', '+442079460958', 'hi'],
    ['+1\u00a0650\u00a0253 0000 hi', '+16502530000', 'hi'],
    ['(+49) 30 1234567, hi', '+49301234567', 'hi'],
    ['+(49) 170 12345672 hi', '+4917012345672', 'hi'],
    ['+ 49 170 12345672 hi', '+4917012345672', 'hi'],
    ['+49 0170 12345672 hi', '+4917012345672', 'hi'],
    ['+49 (170) 12345672 hi', '+4917012345672', 'hi'],
    ['+49/170/12345672 hi', '+4917012345672', 'hi'],
    ['+49 170 - 12345672 hi', '+4917012345672', 'hi'],
    ['+49 30 1234567-0 hi', '+493012345670', 'hi'],
    ['+1-650-253-0000: hi', '+16502530000', 'hi'],
    ['+1.650.253.0000 hi', '+16502530000', 'hi'],
    ['+33 6 12 34 56 78 salut', '+33612345678', 'salut'],
    ['0044 20 7946 0958 hi', '+442079460958', 'hi'],
    ['00442079460958 hi', '+442079460958', 'hi'],
    ['(0044) 20 7946 0958 hi', '+442079460958', 'hi'],
    // With punctuation after them.
    ['+16502530000: hi', '+16502530000', 'hi'],
    ['+16502530000, hi', '+16502530000', 'hi'],
    ['+16502530000; hi', '+16502530000', 'hi'],
    ['+16502530000. Hi', '+16502530000', 'Hi'],
    ['+16502530000 - hi', '+16502530000', 'hi'],
    ['+16502530000 – hi', '+16502530000', 'hi'],
    ['+16502530000 -> hi', '+16502530000', 'hi'],
    ['+16502530000 | hi', '+16502530000', 'hi'],
    ['+16502530000\nhi', '+16502530000', 'hi'],
    ['+16502530000! Hi', '+16502530000', 'Hi'],
    ['+16502530000? hi', '+16502530000', 'hi'],
    ['+16502530000 • hi', '+16502530000', 'hi'],
    ['+16502530000 → hi', '+16502530000', 'hi'],
    ['+16502530000 ,hi', '+16502530000', 'hi'],
    ['+16502530000 :D', '+16502530000', ':D'],
    ['+16502530000 ➡\ufe0f hi', '+16502530000', 'hi'],
    ['+16502530000 » hi', '+16502530000', 'hi'],
    ['+16502530000 ?', '+16502530000', '?'],
    ['+16502530000 !important', '+16502530000', '!important'],
    ['+4917012345672-hi', '+4917012345672', 'hi'],
    ['+4917012345699, are you there?', '+4917012345699', 'are you there?'],
    ['+4917012345699,are you there?', '+4917012345699', 'are you there?'],
    // With brackets and quotes around them.
    ['(+4917012345672) hi', '+4917012345672', 'hi'],
    ['[+4917012345672] hi', '+4917012345672', 'hi'],
    ['<+4917012345672> hi', '+4917012345672', 'hi'],
    ['&lt;+4917012345672&gt; hi', '+4917012345672', 'hi'],
    ['&#43;16502530000 hi', '+16502530000', 'hi'],
    ['&#x202A;&plus;1&#160;650&nbsp;253 0000&#x202c; hi', '+16502530000', 'hi'],
    ['&APOS;+16502530000&apos; hi', '+16502530000', 'hi'],
    ['&amp;lt;+16502530000&amp;gt; hi', '+16502530000', 'hi'],
    ['&amp;#43;16502530000 hi', '+16502530000', 'hi'],
    ['%2B16502530000 hi', '+16502530000', 'hi'],
    ['tel:%2b1-650-253-0000 hi', '+16502530000', 'hi'],
    ['"+16502530000" hi', '+16502530000', 'hi'],
    ["'+16502530000': hi", '+16502530000', 'hi'],
    ['„+49 170 12345672“ hallo', '+4917012345672', 'hallo'],
    ['«+33 6 12 34 56 78» salut', '+33612345678', 'salut'],
    ['*+16502530000* hi', '+16502530000', 'hi'],
    ['**+16502530000** hi', '+16502530000', 'hi'],
    ['__+1 650 253 0000__: hi', '+16502530000', 'hi'],
    ['+-16502530000 hi', '+16502530000', 'hi'],
    ['"+16502530000 hi there"', '+16502530000', 'hi there'],
    // With what addresses have.
    ['tel:+16502530000 hi', '+16502530000', 'hi'],
    ['<tel:+1-650-253-0000> hi', '+16502530000', 'hi'],
    ['TEL:+1 650 253 0000 hi', '+16502530000', 'hi'],
    ['to +16502530000: hi', '+16502530000', 'hi'],
    ['- +16502530000 hi', '+16502530000', 'hi'],
    ['📞 +16502530000 hi', '+16502530000', 'hi'],
    // With characters that look like these, or like nothing.
    ['\u202a+16502530000\u202c hi', '+16502530000', 'hi'],
    ['\u202a+4917012345699\u202c Hi', '+4917012345699', 'Hi'],
    ['\u200b+16502530000 hi', '+16502530000', 'hi'],
    ['\ufeff+1\u200b650\u2060253\u00ad0000\u200e hi', '+16502530000', 'hi'],
    ['+1\u2011650\u2011253\u20110000 hi', '+16502530000', 'hi'],
    ['\uff0b16502530000 hi', '+16502530000', 'hi'],
    ['＋４４　２０　７９４６　０９５８　hi', '+442079460958', 'hi'],
    ['+٤٤ ٢٠ ٧٩٤٦ ٠٩٥٨ مرحبا', '+442079460958', 'مرحبا'],
    // Before texts that begin with digits.
    ['+16502530000 100 is my answer', '+16502530000', '100 is my answer'],
    ['+16502530000 2 apples', '+16502530000', '2 apples'],
    ['+16502530000 – 2 apples', '+16502530000', '2 apples'],
    ['+44 20 7946 0958 2 apples', '+442079460958', '2 apples'],
    ['+4917012345672 100 ok', '+4917012345672', '100 ok'],
    ['+16502530000 5\ufe0f\u20e3 stars', '+16502530000', '5\ufe0f\u20e3 stars'],
    ['+49 30 1234567, 5 people', '+49301234567', '5 people'],
    ['+49 30 1234567: 5 people', '+49301234567', '5 people'],
    ['(+49 30 1234567) 5 people', '+49301234567', '5 people'],
    ['"+49 30 1234567" 5 people', '+49301234567', '5 people'],
    ['+49 30 1234567\n5 people', '+49301234567', '5 people'],
    ['+49 30 1234567 5pm is fine', '+49301234567', '5pm is fine'],
    ['+49 30 1234567 10:30 is fine', '+49301234567', '10:30 is fine'],
    // Before texts in scripts that are written without spaces.
    ['+8613812345678，你好', '+8613812345678', '你好'],
    ['＋８６１３８１２３４５６７８：你好', '+8613812345678', '你好'],
    ['+819012345678、はい', '+819012345678', 'はい'],
    ['+819012345678！ はい', '+819012345678', 'はい'],
    ['+8613812345678你好', '+8613812345678', '你好'],
    ['+819012345678です', '+819012345678', 'です'],
    ['+16502530000👍', '+16502530000', '👍'],
    // What is the text's own stays.
    ['+16502530000 -5 degrees', '+16502530000', '-5 degrees'],
    ['+16502530000 :-) hi', '+16502530000', ':-) hi'],
    ['+16502530000 (office) hi', '+16502530000', '(office) hi'],
    ['+16502530000\n- milk\n- eggs', '+16502530000', '- milk\n- eggs'],
    ['+16502530000: "hi"', '+16502530000', '"hi"'],
    ['+16502530000 +1 from me', '+16502530000', '+1 from me'],
    ['+16502530000 &lt;b&gt;', '+16502530000', '&lt;b&gt;'],
    // Without a text.
    ['+16502530000', '+16502530000', ''],
    [' +1 650 253 0000. ', '+16502530000', ''],
    [`${' \n\u200b'.repeat(300)}+16502530000${' .'.repeat(300)} hi`, '+16502530000', `${' .'.repeat(299).trim()} hi`],
  ])('%j', (text, number, body) => expect(readAddressing(text)).toEqual(target(number, body)));

  test.each([
    ['030 1234567 hi', 'DE', '+49301234567', 'hi'],
    ['0170 1234567 Hallo, bitte zurückrufen', 'DE', '+491701234567', 'Hallo, bitte zurückrufen'],
    ['(030) 1234567: hi', 'DE', '+49301234567', 'hi'],
    ['0170/1234567 hi', 'DE', '+491701234567', 'hi'],
    ['tel:0170 1234567 hi', 'DE', '+491701234567', 'hi'],
    ['07911 123456 hi', 'GB', '+447911123456', 'hi'],
    ['06 12 34 56 78 salut', 'FR', '+33612345678', 'salut'],
    ['090-1234-5678 こんにちは', 'JP', '+819012345678', 'こんにちは'],
    ['(650) 253-0000 hi', 'US', '+16502530000', 'hi'],
    ['650-253-0000 2 apples', 'US', '+16502530000', '2 apples'],
    ['1 650-253-0000 hi', 'US', '+16502530000', 'hi'],
    ['011 44 20 7946 0958 hi', 'US', '+442079460958', 'hi'],
    ['8 (912) 345-67-89: привет', 'RU', '+79123456789', 'привет'],
  ])('%j in %s, as its region writes it', (text, region, number, body) =>
    expect(readAddressing(text, { region })).toEqual(target(number, body)),
  );

  test('with the number as written', () => {
    expect(readAddressing('(+49) 30 1234567, hi')).toMatchObject({ target: { written: '(+49) 30 1234567' } });
    expect(readAddressing('<tel:+1\u2011650\u2011253\u20110000> hi')).toMatchObject({
      target: { written: '+1\u2011650\u2011253\u20110000' },
    });
  });
});

describe('an ambiguous text leads to a question', () => {
  const asked = (text: string, region?: string) => {
    const read = readAddressing(text, { region });
    expect(read.kind).toBe('unclear');
    expect(read.body).toBe(text.trim());
    return read.kind === 'unclear' ? read.readings.map(({ number, body }) => [number, body]) : [];
  };

  test.each([
    '+1',
    '+49.',
    '+12:30',
    '+4 +5',
    '+4999 hi',
    '+1000 points',
    '+49\n170 1234567 hi',
    '+49 l70 1234567 hi',
    '+49 O170/1234567: hi',
    '+1, or call +49 170 1234567',
    '+165025300001 hi',
    '192.168.178.1 is up',
    '170 1234567 hi',
    '0170 12345 hi',
    '0170 12345 is it ready',
    '0170 12345 ist der Chef da?',
    '0170 12345 es tut mir leid',
    '1234567 hi',
    '4711000',
    '20261130',
    '20261330 passt',
    '123 456 789 hi',
    // Round, but as long as a number.
    '612 345 000 hola',
    '912345000 Olá',
  ])('%j: begins like a number, but is not one', (text) => expect(asked(text, 'DE')).toEqual([]));

  test.each([
    [
      '+49 30 1234567 5 people',
      [
        ['+49301234567', '5 people'],
        ['+493012345675', 'people'],
      ],
    ],
    [
      '+491701234567 2 apples',
      [
        ['+491701234567', '2 apples'],
        ['+4917012345672', 'apples'],
      ],
    ],
    [
      '+43 664 123 45 67 hi',
      [
        ['+4366412345', '67 hi'],
        ['+436641234567', 'hi'],
      ],
    ],
    [
      '+39 (0)341 123456 ciao',
      [
        ['+390341123456', 'ciao'],
        ['+39341123456', 'ciao'],
      ],
    ],
  ])('%j: may end in two places', (text, readings) => expect(asked(text)).toEqual(readings));

  test.each([
    // No plan has it.
    ['+15551230001 hi', undefined, [['+15551230001', 'hi']]],
    ['+447700900123: hi', undefined, [['+447700900123', 'hi']]],
    // It goes on where no number ends.
    ['+16502530000hi', undefined, [['+16502530000', 'hi']]],
    ['sip:+16502530000@contoso.example hi', undefined, [['+16502530000', '@contoso.example hi']]],
    ["+16502530000's phone is off", undefined, [['+16502530000', "'s phone is off"]]],
    ['+1-650-253-0000-1 hi', undefined, [['+16502530000', '1 hi']]],
    ['+16502530000 ext. 5 hi', undefined, [['+16502530000', 'ext. 5 hi']]],
    ['+16502530000;ext=5 hi', undefined, [['+16502530000', 'ext=5 hi']]],
    // Several are addressed.
    ['+16502530000, +4917012345672 hi', undefined, [['+16502530000', '+4917012345672 hi']]],
    ['+16502530000 +4917012345672 hi', undefined, [['+16502530000', '+4917012345672 hi']]],
    ['0170 1234567, 0171 1234567 hi', 'DE', [['+491701234567', '0171 1234567 hi']]],
    ['+16502530000 0049 170 12345672 hi', undefined, [['+16502530000', '0049 170 12345672 hi']]],
    // They may be what the text says.
    ['whatsapp:+16502530000 hi', undefined, [['+16502530000', 'hi']]],
    ['Mobile: +1 650-253-0000 hi', undefined, [['+16502530000', 'hi']]],
    ['Anna: +16502530000', undefined, [['+16502530000', '']]],
    ['1) +16502530000 hi', undefined, [['+16502530000', 'hi']]],
    ['Mobile: 0049 170 12345672 hi', undefined, [['+4917012345672', 'hi']]],
    ['Mobile: +16502530000hi', undefined, [['+16502530000', 'hi']]],
    ['Mobile: +15551230001 hi', undefined, [['+15551230001', 'hi']]],
    ['2. (+49) 170 12345672 hi', 'DE', [['+4917012345672', 'hi']]],
    ['1\ufe0f\u20e3 +16502530000 hi', undefined, [['+16502530000', 'hi']]],
    ['an +4917012345672 hallo', 'DE', [['+4917012345672', 'hallo']]],
    ['An +49 170 12345672: hallo', 'DE', [['+4917012345672', 'hallo']]],
    ['SMS an +49 170 12345672: hallo', 'DE', [['+4917012345672', 'hallo']]],
    ['SMS to +16502530000 hi', undefined, [['+16502530000', 'hi']]],
    ['Send to (+1) 650 253 0000: hi', undefined, [['+16502530000', 'hi']]],
    ['text +16502530000 hi', undefined, [['+16502530000', 'hi']]],
    ['für 0049 170 12345672 hallo', 'DE', [['+4917012345672', 'hallo']]],
    ['à : +33 6 12 34 56 78 salut', undefined, [['+33612345678', 'salut']]],
    ['para\u00a0+34612345678 hola', undefined, [['+34612345678', 'hola']]],
    ['a +34612345678 hola', undefined, [['+34612345678', 'hola']]],
    ['给 +8613800138000 你好', undefined, [['+8613800138000', '你好']]],
    ['+16502530000 and +4917012345672 hi', undefined, [['+16502530000', 'and +4917012345672 hi']]],
    ['+4917012345672 und 0171 1234567: hallo', 'DE', [['+4917012345672', 'und 0171 1234567: hallo']]],
    // More than a number is dialled, or addressed.
    ['+16502530000,,12# hi', undefined, [['+16502530000', '12# hi']]],
    ['sms:+16502530000?body=hi', undefined, [['+16502530000', '?body=hi']]],
    // A hotline.
    ['0800 1234567 is our hotline', 'DE', [['+498001234567', 'is our hotline']]],
    // It may be an order's.
    ['4917012345672 hi', 'DE', [['+4917012345672', 'hi']]],
    ['6502530000 hi', 'US', [['+16502530000', 'hi']]],
    ['16502530000 hi', 'US', [['+16502530000', 'hi']]],
    ['to 0170 1234567 hi', 'DE', [['+491701234567', 'hi']]],
    // What stands on a card, rather than whom a text is for.
    ['Tel: +49 170 12345672 ist neu', 'DE', [['+4917012345672', 'ist neu']]],
    ['Tel. +49 170 12345672 ist neu', 'DE', [['+4917012345672', 'ist neu']]],
    ['tel: 0170 1234567 ist neu', 'DE', [['+491701234567', 'ist neu']]],
    ['tel 0049 170 12345672 ist neu', 'DE', [['+4917012345672', 'ist neu']]],
    ['Tel.: +1 650 253 0000 hi', undefined, [['+16502530000', 'hi']]],
    ['0800 1234567 ist die Hotline', 'DE', [['+498001234567', 'ist die Hotline']]],
    ['20261130 is the date', 'DK', [['+4520261130', 'is the date']]],
    // Sizes, times.
    ['20 25 30 35 are the sizes', 'DK', [['+4520253035', 'are the sizes']]],
    ['0830-0900 is fine', 'DE', [['+498300900', 'is fine']]],
    [
      '0830 0900 1000 are fine',
      'DE',
      [
        ['+498300900', '1000 are fine'],
        ['+4983009001000', 'are fine'],
      ],
    ],
  ] as const)('%j in %s: the possible numbers are offered', (text, region, readings) => expect(asked(text, region)).toEqual(readings));

  test('numbers and similar texts are distinguished', () => {
    expect(readAddressing('+4999 for that idea')).toMatchObject({ written: '+4999' });
    expect(readAddressing('+49 30 1234567 5 people')).toMatchObject({ written: '+49 30 1234567 5' });
  });
});

describe('a text without a number has none', () => {
  test.each([
    'Hello',
    '',
    'The price is 200',
    '2 apples',
    '200',
    '123456',
    // A few digits after a plus, which no number has.
    '+100 for that idea',
    '+123 agreed',
    '+1 from me',
    '+1 👍 from me, too',
    '+-5 °C',
    '+5 Grad heute',
    '+5°C',
    '+5,5 Grad',
    '+1-2 Tage',
    '+1/2 Tasse Milch',
    '+12:30 Stunden',
    '"+5" was my answer',
    '+10% Rabatt',
    '+20€ Trinkgeld',
    '+1000 € Bonus',
    '+12 too short a number',
    '＋５ 度です',
    // Amounts, dates, and what a sentence is about.
    '4711000 Stück',
    '1.000.000 Euro',
    '12 000 000 people',
    '1234567 €',
    '20261130 ist der Termin',
    '20261130 passt',
    '0800 1234 ist das Passwort',
    '1234567 is the code',
    '12345678 est le code',
    '10 20 30 40 are the sizes',
    'Tel. 4711 ist besetzt',
    '10 000 people',
    '10:30 is fine',
    '24/7',
    '50% off',
    '12.05.2026 passt',
    '02.05.2026 passt',
    '12/5/26 is fine',
    '2026-05-12 08:30 is fine',
    '&#36;1234567 were paid',
    '$1234567 were paid',
    '€ 1000000',
    '#1234567 is fixed',
    '№ 1234567',
    '+ and more',
    '+++',
    'C++ is fine',
    'from the office',
    'von heute an',
    'Von 00:30 bis 06:00 Uhr ist gesperrt',
    'From 00:30 until 06:00',
    'Von +5 auf +20 Grad',
    'From +5 to +20 degrees',
    'Von +49 170 9999999 kam ein Anruf',
    'Bitte an 112 wenden',
    'Room 0800 1234',
    'Ruf an 17 Uhr an',
    'send 2 pizzas',
    'para 4 personas',
    'a 20 km',
    'Order 4711 to 12 people',
    'call +49 30 1234567 if late',
    'an 5 Leute',
    'für 0,5 Stunden',
    'Send +5 of them',
    'An +1 from me',
    'und 0170 1234567',
    'from 5 people',
    'to 5 people',
    'tomorrow at 5',
    'Call +16502530000',
    'Re: +1 from me',
    'Meter: 00123456',
    'Order: 12345678',
    'Temperature: +100 today',
    '1) +1 from me',
    '1. apples',
    'https://contoso.example/+16502530000',
    '100%2B more',
  ])('%j', (text) => expect(readAddressing(text, { region: 'DE' })).toEqual({ kind: 'none', body: text }));

  test('and is its body, without surrounding white space', () =>
    expect(readAddressing(' \u202a\n Hello \n you\u202c\n')).toEqual({ kind: 'none', body: 'Hello \n you' }));
});

describe('from <own number>', () => {
  const OWN = ['15714234567', '+493012345678'];
  const read = (text: string) => readAddressing(text, { region: 'US', ownNumbers: OWN });

  test.each([
    'from +15714234567',
    'From 15714234567',
    'FROM: +1 571 423 4567,',
    'from +1 (571) 423-4567',
    'from 571-423-4567',
    'from "+15714234567"',
    'from \u202a+15714234567\u202c',
    'from 001 571 423 4567',
    'Von +1 571 423 4567:',
  ])('%j is sent from that number', (from) => {
    expect(read(`${from} +4917012345672 hi`)).toEqual({ ...target('+4917012345672', 'hi'), own: '+15714234567' });
    expect(read(`${from} to +4917012345672: hi`)).toEqual({ ...target('+4917012345672', 'hi'), own: '+15714234567' });
    const sent = (text: string) => ({ kind: 'none', body: text, own: '+15714234567' });
    for (const text of ['2 apples', 'hi', '+100 for that']) {
      expect(read(`${from.replace(/[:,]/g, '')}: ${text}`)).toEqual(sent(text));
      expect(read(`${from.replace(/[:,]/g, '')}\n${text}`)).toEqual(sent(text));
    }
    expect(read(`${from} +4999 for that`)).toMatchObject({ kind: 'unclear', body: '+4999 for that', own: '+15714234567' });
  });

  test.each(['from +15714234567', 'from 571-423-4567', 'From "+1 571 423 4567"', 'from tel:+1-571-423-4567'])(
    '%j may begin a sentence, unless a separator or a number follows',
    (from) => {
      const sentence = `${from} you will be called`;
      expect(read(sentence)).toEqual({ kind: 'none', body: 'you will be called', own: '+15714234567', sentence });
      for (const separator of [':', ',', ';', ' -', '\n'])
        expect(read(`${from}${separator} you will be called`)).toEqual({ kind: 'none', body: 'you will be called', own: '+15714234567' });
    },
  );

  test('`von` begins a sentence unless a separator or a number follows the own number', () => {
    const sentence = 'Von +49 30 12345678 wirst du gleich angerufen';
    expect(read(sentence)).toEqual({ kind: 'none', body: sentence });
    expect(read('von +49 30 12345678: hallo')).toEqual({ kind: 'none', body: 'hallo', own: '+493012345678' });
    expect(read('von +49 30 12345678 +49 170 12345672 hallo')).toEqual({ ...target('+4917012345672', 'hallo'), own: '+493012345678' });
  });

  test('the own number decides which region’s national numbers follow, and where it ends', () => {
    expect(read('from +49 30 12345678 0170 1234567 hallo')).toEqual({ ...target('+491701234567', 'hallo'), own: '+493012345678' });
    expect(read('from +49 30 12345678 5 people')).toMatchObject({ kind: 'none', body: '5 people', own: '+493012345678' });
  });

  test('own numbers of no known plan are recognized', () =>
    expect(readAddressing('from +15550100123 100 people', { ownNumbers: ['15550100123'] })).toMatchObject({
      kind: 'none',
      own: '+15550100123',
      body: '100 people',
    }));

  test('another user’s number is read, too', () => {
    expect(read('from +4999 +4917012345671 not mine')).toEqual({ ...target('+4917012345671', 'not mine'), own: '+4999' });
    expect(read('from +44 20 7946 0958 hi')).toMatchObject({ kind: 'none', body: 'hi', own: '+442079460958' });
  });
});
