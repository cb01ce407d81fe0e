import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/database/package-root.ts';

export const isInstalled = (command: string) => spawnSync('which', [command]).status === 0;

/** The first configuration in this language in docs/operating.md that has the text. */
export function sampleOf(language: string, having = ''): string {
  const docs = readFileSync(join(packageRoot(), 'docs/operating.md'), 'utf8');
  const samples = [...docs.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))].map(([, sample = '']) => sample);
  return samples.find((sample) => sample.includes(having)) ?? '';
}

/** Replaces each text. @throws Error if the configuration does not have it */
export function replaced(configuration: string, replacements: Readonly<Record<string, string>>): string {
  return Object.entries(replacements).reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`The configuration has no ${from}`);
    return text.replaceAll(from, to);
  }, configuration);
}
