import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MessageHoldReason } from '../../prisma/client/enums.ts';
import { HOLDS } from '../../src/domain/waiting.ts';
import { REFUSALS } from '../../src/exchange/refusals.ts';
import {
  CONNECTOR_CODES,
  CONNECTOR_STATUSES,
  connectorError,
  GRAPH_STATUSES,
  LOGIN_CODES,
} from '../../src/platforms/microsoft/outcomes.ts';

// docs/exchange.md says what the tables in code do, no more and no less, and where each row is from.

const lines = readFileSync(new URL('../../docs/exchange.md', import.meta.url), 'utf8').split('\n');
/** The cells of a section's table, without its head. */
function rowsOf(section: string): string[][] {
  const from = lines.indexOf(`## ${section}`);
  const rest = lines.slice(from + 1);
  const end = rest.findIndex((line) => line.startsWith('## '));
  return rest
    .slice(0, end === -1 ? undefined : end)
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const NAMES = { refused: 'final', retry: 'passing', unknown: 'unknown' } as const;
type Meaning = keyof typeof NAMES | { readonly waitsFor: string };
const shown = (meaning: Meaning) => (typeof meaning === 'string' ? [NAMES[meaning], ''] : ['curable', `\`${meaning.waitsFor}\``]);

test('what Microsoft refuses', () => {
  const byCode = (asked: string, table: Readonly<Record<string, Meaning>>) =>
    Object.entries(table).map(([code, meaning]) => [asked, /^\d+$/.test(code) ? code : `\`${code}\``, ...shown(meaning)]);
  const statuses = Object.entries(CONNECTOR_STATUSES).flatMap(([status, { opening, posting }]) =>
    JSON.stringify(opening) === JSON.stringify(posting)
      ? [['connector', status, ...shown(opening)]]
      : [
          ['opening', status, ...shown(opening)],
          ['posting', status, ...shown(posting)],
        ],
  );
  const expected = [
    ...byCode('login', LOGIN_CODES),
    ...byCode('connector', CONNECTOR_CODES),
    ...statuses,
    ...byCode('Graph', GRAPH_STATUSES),
  ];
  const rows = rowsOf('What Microsoft refuses');
  const listed = rows.filter(([, code = '']) => /^(`[^`]+`|\d{3})$/.test(code)).map((row) => row.slice(0, 4));
  expect(listed.sort()).toEqual(expected.sort());
  for (const row of rows) expect(row[4], row.join(' ')).toMatch(/\S/);
});

test.each([
  ['posting', 418, 'refused'],
  ['opening', 418, 'refused'],
  ['posting', 599, 'unknown'],
  ['opening', 599, 'retry'],
  ['posting', 307, 'curable'],
] as const)('%s and the status %i, which no row names, is %s', (request, status, outcome) => {
  expect(connectorError(request, status, { code: String(status), message: '' }, undefined)).toMatchObject({ outcome });
});

test('what the gateway refuses', () => {
  const expected = Object.entries(REFUSALS).map(([code, { meaning }]) => [
    `\`${code}\``,
    ...(meaning === 'final' ? ['final', ''] : ['curable', `\`${meaning}\``]),
  ]);
  expect(rowsOf('What the gateway refuses').map((row) => row.slice(0, 3))).toEqual(expected);
});

test('what messages wait for', () => {
  expect(rowsOf('Messages that wait').map(([reason]) => reason)).toEqual(Object.keys(HOLDS).map((reason) => `\`${reason}\``));
  expect(Object.keys(HOLDS).sort()).toEqual(Object.keys(MessageHoldReason).sort());
});
