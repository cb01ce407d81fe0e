import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/database/package-root.ts';

export const isInstalled = (command: string) => spawnSync('which', [command]).status === 0;

/** The configuration in this language in docs/operating.md. */
export const sampleOf = (language: string): string =>
  new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(readFileSync(join(packageRoot(), 'docs/operating.md'), 'utf8'))?.[1] ?? '';

/** Replaces each text. @throws Error if the configuration does not have it */
export function replaced(configuration: string, replacements: Readonly<Record<string, string>>): string {
  return Object.entries(replacements).reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`The configuration has no ${from}`);
    return text.replaceAll(from, to);
  }, configuration);
}
