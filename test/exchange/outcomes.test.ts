import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MessageHoldReason } from '../../prisma/client/enums.ts';
import { HOLDS } from '../../src/domain/waiting.ts';
import { REFUSALS } from '../../src/exchange/outbox/refusals.ts';
import { FINAL_ERRORS } from '../../src/exchange/restcomm/reports.ts';
import {
  CONNECTOR_CODES,
  CONNECTOR_STATUSES,
  connectorError,
  GRAPH_STATUSES,
  LOGIN_CODES,
  REQUEST_CODES,
} from '../../src/platforms/microsoft/outcomes.ts';
import { SENDING_CODES, SENDING_STATUSES, sendingError } from '../../src/platforms/restcomm/outcomes.ts';

// docs/exchange.md says what the tables in code do, no more and no less, and where each row is from.

const isSingle = (code: string) => /^(`[^`]+`|\d{3})$/.test(code);
const lines = readFileSync(new URL('../../docs/exchange.md', import.meta.url), 'utf8').split('\n');
/** The cells of a section's tables, without their heads. */
function rowsOf(section: string): string[][] {
  const from = lines.indexOf(`## ${section}`);
  const rest = lines.slice(from + 1);
  const end = rest.findIndex((line) => line.startsWith('## '));
  return rest
    .slice(0, end === -1 ? undefined : end)
    .filter((line, index, all) => line.startsWith('|') && !line.startsWith('|---') && !all[index + 1]?.startsWith('|---'))
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

const isSame = (one: Meaning, other: Meaning) => JSON.stringify(one) === JSON.stringify(other);

test('what Microsoft refuses', () => {
  const byCode = (asked: string, table: Readonly<Record<string, Meaning>>) =>
    Object.entries(table).map(([code, meaning]) => [asked, /^\d+$/.test(code) ? code : `\`${code}\``, ...shown(meaning)]);
  const differing: Readonly<Record<string, Record<'opening' | 'posting', Meaning>>> = { ...CONNECTOR_STATUSES, ...REQUEST_CODES };
  const byRequest = Object.entries(differing).flatMap(([code, { opening, posting }]) =>
    isSame(opening, posting)
      ? byCode('connector', { [code]: opening })
      : [...byCode('opening', { [code]: opening }), ...byCode('posting', { [code]: posting })],
  );
  const expected = [
    ...byCode('login', LOGIN_CODES),
    ...byCode('connector', CONNECTOR_CODES),
    ...byRequest,
    ...byCode('Graph', GRAPH_STATUSES),
  ];
  const rows = rowsOf('What Microsoft refuses');
  const listed = rows.filter(([, code = '']) => isSingle(code)).map((row) => row.slice(0, 4));
  expect(listed.sort()).toEqual(expected.sort());
  for (const row of rows) expect(row[4], row.join(' ')).toMatch(/\S/);
});

test.each([
  ['posting', 418, 'refused'],
  ['opening', 418, 'curable'],
  ['posting', 599, 'unknown'],
  ['opening', 599, 'retry'],
  ['posting', 307, 'curable'],
] as const)('%s and the status %i, which no row names, is %s', (request, status, outcome) => {
  expect(connectorError(request, status, { code: String(status), message: '' }, undefined)).toMatchObject({ outcome });
});

test('what the carrier refuses', () => {
  const expected = [
    ...Object.entries(SENDING_STATUSES).map(([status, meaning]) => ['sending', status, ...shown(meaning)]),
    ...Object.entries(SENDING_CODES).map(([code, meaning]) => ['sending', `\`${code}\``, ...shown(meaning)]),
  ];
  const rows = rowsOf('What the carrier refuses');
  const refused = rows.filter((row) => row.length === 5);
  expect(refused.filter(([, code = '']) => isSingle(code)).map((row) => row.slice(0, 4))).toEqual(expect.arrayContaining(expected));
  expect(refused.filter(([, code = '']) => isSingle(code))).toHaveLength(expected.length);
  const reported = rows.filter((row) => row.length === 3);
  expect(reported.map(([code]) => code)).toEqual([...FINAL_ERRORS].map((code) => `\`${code}\``));
  for (const row of rows) expect(row.at(-1), row.join(' ')).toMatch(/\S/);
});

test.each([
  [302, 'HTTP_302', 'curable'],
  [404, '21614', 'refused'],
  [418, 'HTTP_418', 'refused'],
  [599, 'HTTP_599', 'unknown'],
  [403, 'SMS_LIMIT_EXCEEDED', 'retry'],
  [401, '20003', 'curable'],
  [403, '20005', 'curable'],
  [403, '30002', 'curable'],
  [400, '30002', 'curable'],
  [400, '30001', 'retry'],
  [404, '20404', 'curable'],
  [401, '900902', 'curable'],
  [503, '30002', 'unknown'],
  [500, '30002', 'unknown'],
  [400, 'constructor', 'refused'],
] as const)('the carrier’s %i with the code %s is %s', (status, code, outcome) => {
  expect(sendingError(status, { code, message: '' }, '', undefined)).toMatchObject({ outcome });
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
