import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readAccept } from '../../src/graph/accept.ts';

const JSON_TYPE = 'application/json';
const RESPONSE_TYPE = 'application/graphql-response+json';
const STREAM = 'text/event-stream';

/** A media range of an Accept header. */
interface Range {
  readonly name: string;
  readonly charset: boolean;
  /** In thousandths; `undefined`: not given, which is 1. */
  readonly weight: number | undefined;
}

/** RFC 9110, 12.5.1, written as it reads: the most specific range that matches a type gives its weight. */
function weigh(
  type: string,
  ranges: readonly Range[],
): { readonly weight: number; readonly specificity: number; readonly position: number } {
  const [major] = type.split('/');
  let best = { weight: 0, specificity: -1, position: -1 };
  ranges.forEach(({ name, charset, weight = 1000 }, position) => {
    const named = name.toLowerCase();
    const level = named === '*/*' ? 0 : named === `${major}/*` ? 1 : named === type ? 2 : -1;
    if (level === -1) return;
    const specificity = level * 2 + (charset ? 1 : 0);
    if (specificity > best.specificity) best = { weight, specificity, position };
  });
  return best;
}

/** The acceptable types, the preferred first: by weight, then as exactly as they are named, then in the order of the header and of the server. */
function preferred(types: readonly string[], ranges: readonly Range[]): string[] {
  return types
    .map((type, index) => ({ type, index, ...weigh(type, ranges) }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight || b.specificity - a.specificity || a.position - b.position || a.index - b.index)
    .map(({ type }) => type);
}

const range: fc.Arbitrary<Range> = fc.record({
  name: fc.constantFrom(
    ...[JSON_TYPE, RESPONSE_TYPE, STREAM, 'Application/JSON', '*/*', 'application/*', 'text/*'],
    ...['text/html', 'multipart/mixed', 'application/graphql+json', 'application/xml'],
  ),
  charset: fc.boolean(),
  weight: fc.option(fc.constantFrom(0, 1, 100, 500, 800, 900, 999, 1000), { nil: undefined }),
});

const space = fc.constantFrom('', ' ', '\t', '  ');

test('ignores a header that is too long', () => {
  for (const header of [`"${','.repeat(16_000)}`, 'text/event-stream,'.repeat(900)]) {
    expect(readAccept(header)).toEqual({ result: RESPONSE_TYPE, stream: false, prefersStream: false });
  }
});

test('reads any Accept header as RFC 9110 has it', () => {
  const header = fc.uniqueArray(fc.tuple(range, space, space), {
    ...{ minLength: 1, maxLength: 8 },
    // Of a range that is given twice, RFC 9110 does not say which weight counts.
    selector: ([{ name, charset }]) => `${name.toLowerCase()} ${charset}`,
  });
  fc.assert(
    fc.property(header, (parts) => {
      const ranges = parts.map(([one]) => one);
      const text = parts
        .map(([{ name, charset, weight }, before, after]) => {
          const parameters = [...(charset ? ['charset=utf-8'] : []), ...(weight === undefined ? [] : [`q=${weight / 1000}`])];
          return `${before}${[name, ...parameters].join(`${after};${before}`)}${after}`;
        })
        .join(',');
      const isStreamNamed = ranges.some(({ name, weight }) => (name === STREAM || name === 'text/*') && weight !== 0);
      const types = preferred([JSON_TYPE, RESPONSE_TYPE, ...(isStreamNamed ? [STREAM] : [])], ranges);
      expect(readAccept(text), text).toEqual({
        result: types.find((type) => type !== STREAM),
        stream: preferred([STREAM], ranges).length > 0,
        prefersStream: types[0] === STREAM,
      });
    }),
    { numRuns: Number(process.env.PROPERTY_RUNS ?? 2000) },
  );
});

test.each<[string | null, string | undefined, boolean, boolean]>([
  [null, RESPONSE_TYPE, false, false],
  ['', RESPONSE_TYPE, false, false],
  ['*/*', JSON_TYPE, true, false],
  // urql, Apollo Client, graphql-request, graphql-sse, EventSource, a browser's address bar.
  [
    'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed',
    RESPONSE_TYPE,
    true,
    false,
  ],
  ['application/graphql-response+json,application/json;q=0.9', RESPONSE_TYPE, false, false],
  ['application/graphql-response+json, application/json', RESPONSE_TYPE, false, false],
  ['text/event-stream, multipart/mixed', undefined, true, true],
  ['text/event-stream', undefined, true, true],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', JSON_TYPE, true, false],
  ['text/event-stream;q=0.1, application/json', JSON_TYPE, true, false],
  ['application/json;q=0, */*', RESPONSE_TYPE, true, false],
  ['text/event-stream;q=0, */*', JSON_TYPE, false, false],
  ['text/html', undefined, false, false],
  ['nonsense', undefined, false, false],
])('the Accept header %j accepts %s', (header, result, stream, prefersStream) => {
  expect(readAccept(header)).toEqual({ result, stream, prefersStream });
});
