import fc from 'fast-check';

/** Draws values for building something step by step, shrunk towards the first of each list. */
export interface Dice {
  readonly pick: <T>(list: readonly T[]) => T;
  /** True so often, of 1. */
  readonly chance: (probability: number) => boolean;
  /** From 0 to below `n`. */
  readonly below: (n: number) => number;
  readonly draw: <T>(arbitrary: fc.Arbitrary<T>) => T;
}

const BITS = 1 << 30;
/** fast-check likes the ends of a range, where every chance is certain. */
const number = () => fc.noBias(fc.nat(BITS - 1));
/** What makes each arbitrary: fast-check compares what it is given, and an arbitrary takes it too deep. */
const makers = new Map<unknown, () => fc.Arbitrary<unknown>>();

function makerOf(arbitrary: fc.Arbitrary<unknown>) {
  const maker = makers.get(arbitrary) ?? (() => arbitrary);
  makers.set(arbitrary, maker);
  return maker;
}

export function diceOf(g: fc.GeneratorValue): Dice {
  const below = (n: number) => g(number) % n;
  return {
    below,
    pick: (list) => list[below(list.length)] as (typeof list)[number],
    // Zero, towards which fast-check shrinks, is `false`.
    chance: (probability) => g(number) >= BITS * (1 - probability),
    draw: (arbitrary) => g(makerOf(arbitrary)) as never,
  };
}

/** Texts that have broken something somewhere. */
const KNOWN_TEXTS: readonly string[] = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  'lone \udfff',
  '__proto__',
  'constructor',
  'prototype',
  'hasOwnProperty',
  "' OR 1=1; --",
  '$1',
  '%',
  '_\\',
  '%00%zz%c3%28',
  '../../../etc/hosts',
  '\r\nX-Injected: 1\r\n\r\n',
  '<script>alert(1)</script>',
  '\u202etxt.exe\u2028\ufeff\uffff',
  '😀'.repeat(70),
  'x'.repeat(400),
  '1e309',
  '-1',
  '99999999999999999999999999',
  'NaN',
  'null',
  'true',
  '[]',
  '{}',
  '2026-02-30T25:61:61Z',
  '0000-00-00',
  '9999-12-31T23:59:59-23:59',
  '+999999-01-01T00:00:00Z',
  '+123456789012345678901234567890',
  '@',
  'a@b',
  'İstanbul ﬀ ß e\u0301',
  'x'.repeat(30_000),
];

export const hostileText = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...KNOWN_TEXTS) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  // UTF-16 units, so with surrogates that lack the other.
  { weight: 1, arbitrary: fc.array(fc.nat(0xffff), { maxLength: 12 }).map((units) => String.fromCharCode(...units)) },
);

const nested = (open: string, close: string) =>
  fc.constantFrom(3, 40, 2000, 20_000).map((depth) => open.repeat(depth) + close.repeat(depth));

/** A JSON text: what a value can't hold (`__proto__`, doubled keys, numbers beyond every number) a text can. */
export const hostileJson = fc.oneof(
  { weight: 5, arbitrary: hostileText.map((text) => JSON.stringify(text)) },
  {
    weight: 3,
    arbitrary: fc.constantFrom('0', '-0', '-1', '0.5', '2147483648', '-2147483649', '9007199254740993', '1e308', '1e400', '9'.repeat(400)),
  },
  { weight: 2, arbitrary: fc.constantFrom('null', 'true', 'false', '[]', '{}', '[null]', '[[]]', '""') },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '{"__proto__":{"polluted":true}}',
      '{"constructor":{"prototype":{"polluted":true}}}',
      '{"__proto__":null,"prototype":{"polluted":true}}',
      '{"toString":1,"valueOf":2,"toJSON":3,"then":4,"length":-1}',
      '{"sid":"a","sid":{"__proto__":[]}}',
      '["__proto__",{"polluted":true}]',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.oneof(
      nested('[', ']'),
      nested('{"a":', '}').map((text) => text.replace(':}', ':1}')),
    ),
  },
  { weight: 1, arbitrary: fc.json({ maxDepth: 4 }) },
);

/** A body that is no JSON, or none in UTF-8. */
export const noJson: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  fc.constantFrom(
    '',
    '{',
    '{"query":',
    'null',
    '[]',
    '{}}',
    '\0',
    '\ufeff{}',
    "{'a':1}",
    '{"a":1,}',
    'NaN',
    '{"a":"\\ud8"}',
    '"'.repeat(9),
  ),
  fc.uint8Array({ minLength: 1, maxLength: 60 }),
  fc.constant(Buffer.from('{"name":"\xff\xfe","query":"{ __typename }"}', 'latin1')),
  fc.constant('x'.repeat(1024 * 1024 + 1)),
);

/** A part of a path or a query string as it is sent, percent-encoded well, ill or not at all. */
export const encodedText = fc.oneof(
  { weight: 4, arbitrary: hostileText.map((text) => encodeURIComponent(text.toWellFormed())) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '%',
      '%z',
      '%zz',
      '%ff',
      '%c3%28',
      '%00',
      'a%00b',
      '%ed%a0%80',
      '%25%30%30',
      '%2e%2e%2f',
      '+',
      '=&=',
      ';',
      '//',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.string({ unit: fc.constantFrom('%', '0', 'f', '&', '=', '+', '/', '.', '\\', '?', 'a', ';'), maxLength: 20 }),
  },
);

/** A header's value, of the bytes that HTTP lets through. */
export const hostileHeader = fc.oneof(
  fc.constantFrom(
    '',
    ',',
    ';',
    '*',
    '*/*;q=NaN',
    '__proto__',
    '\t',
    '"',
    '\xff\xfe',
    'é'.repeat(300),
    'x'.repeat(9000),
    'a,'.repeat(900),
    '-1',
    '1e309',
    '%00%zz',
    'null',
  ),
  fc
    .array(fc.constantFrom(...[0x09, 0x21, 0x22, 0x25, 0x2c, 0x3b, 0x3d, 0x41, 0x7e, 0x80, 0xe9, 0xff]), { maxLength: 30 })
    .map((bytes) => String.fromCharCode(...bytes).trim()),
);

const MEDIA_TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'application/json; charset=latin1',
  'application/graphql-response+json',
  'text/event-stream',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/xml',
  '*/*',
  'application/json;;;,,',
];

/** Headers. Some of them are valid. */
export function headersFor(dice: Dice, usual: Readonly<Record<string, string>>): Record<string, string> {
  const headers: Record<string, string> = { ...usual };
  const change = (name: string, probability: number, values: readonly string[] = []) => {
    if (!dice.chance(probability)) return;
    if (values.length > 0 && dice.chance(0.7)) headers[name] = dice.pick(values);
    else if (dice.chance(0.2)) delete headers[name];
    else headers[name] = dice.draw(hostileHeader);
  };
  change('accept', 0.1, MEDIA_TYPES);
  change('content-type', 0.08, MEDIA_TYPES);
  change('authorization', 0.02, [
    'Basic',
    'Basic !',
    'Basic AAAA',
    'Bearer',
    'Bearer a b',
    'Bearer __proto__',
    'Digest x',
    `Basic ${'QUFB'.repeat(500)}`,
  ]);
  change('origin', 0.04, ['null', 'https://other.example', 'http://gateway.test', 'file://', 'http://[']);
  change('sec-fetch-site', 0.02, ['cross-site', 'same-origin', 'none']);
  change('idempotency-key', 0.1, ['key', 'key 2', 'x'.repeat(300)]);
  change('last-event-id', 0.05);
  change('content-encoding', 0.02, ['gzip', 'identity', 'br']);
  change('x-forwarded-for', 0.05, ['1.2.3.4', '::1, ::ffff:1.2.3.4', '[::1]:1', 'unknown']);
  change('access-control-request-method', 0.02, ['PUT']);
  change('cookie', 0.02);
  change('x-http-method-override', 0.02, ['DELETE']);
  return headers;
}
