import { writeFile } from 'node:fs/promises';
import { describeMachine } from './machine.ts';
import type { Measured } from './measure.ts';
import type { Row } from './work.ts';

/** Every line with its mark. */
export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const { work, beside, gateway, peer, is, unit, byProcessor, isByProcessor, mark } = row;
    const value = unit ? `${is < 10 ? is.toFixed(2) : Math.round(is)} ${unit}` : `${is.toFixed(2)} ×`;
    const limit = mark
      ? `${'atLeast' in mark ? `≥ ${mark.atLeast}` : `≤ ${mark.atMost}`} ${unit ?? '×'}${isByProcessor ? ' by processor time' : ''}`
      : '–';
    const verdict = mark ? (isReached(row) ? '✔' : '✘') : '';
    return `| ${work} | ${beside} | ${gateway} | ${peer} | ${value} | ${limit} | ${verdict} | ${byProcessor ? `${byProcessor.toFixed(2)} ×` : ''} |`;
  });
  return ['| work | beside | gateway | peer | is | must be | | by processor time |', '|---|---|---|---|---|---|---|---|', ...lines].join(
    '\n',
  );
}

export function isReached({ is, byProcessor = Number.NaN, isByProcessor, mark }: Row): boolean {
  const value = isByProcessor ? byProcessor : is;
  return !mark || ('atLeast' in mark ? value >= mark.atLeast : value <= mark.atMost);
}

/** What was measured of each server. */
export function detailsOf(groups: ReadonlyMap<string, readonly Measured[]>): string {
  const lines = [...groups].flatMap(([work, measured]) =>
    measured.map(({ name, perSecond, microseconds, postgres, busy, median, p99, windows, thrownAway, disturbed }) => {
      const numbers = [rounded(perSecond), rounded(microseconds), rounded(postgres), rounded(busy * 100, ' %'), fixed(median), fixed(p99)];
      return `| ${work} | ${name} | ${numbers.join(' | ')} | ${windows} | ${thrownAway} | ${disturbed} |`;
    }),
  );
  const head =
    'requests/s | processor/request, µs | PostgreSQL/request, µs | core busy | median, ms | p99, ms | windows | thrown away | disturbed';
  return [`| work | server | ${head} |`, `|---${'|---'.repeat(10)}|`, ...lines].join('\n');
}

const rounded = (value: number, unit = '') => (Number.isNaN(value) ? '–' : `${Math.round(value)}${unit}`);
const fixed = (ms: number) => (Number.isNaN(ms) ? '–' : ms.toFixed(2));

/** Writes bench/results.md. */
export async function writeResults(rows: readonly Row[], groups: ReadonlyMap<string, readonly Measured[]>, how: string): Promise<void> {
  const notes = rows.flatMap(({ work, note }) => (note ? [`- ${work}: ${note}`] : []));
  const text = `# The gateway beside its peers

${tableOf(rows)}
${notes.length > 0 ? `\n${notes.join('\n')}\n` : ''}
## What was measured

${detailsOf(groups)}

${how} ${describeMachine()}. bench/README.md says how to read it.
`;
  await writeFile(new URL('results.md', import.meta.url), text);
}
