import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/database/package-root.ts';

/** A snippet in README, and the file that the paragraph above it links to: `([examples/rest.mjs](examples/rest.mjs))`. */
const SNIPPET = /\((examples\/[\w/.-]+)\)(?:(?!\n\n)[^`])*\n\n```js\n([\s\S]*?)```/g;
/** A line that stands for lines of the file. */
const OMISSION = /^ *\/\/ …\n/m;

const withoutIndent = (text: string) => text.replace(/^ +/gm, '');

test('snippets in README are lines of the linked examples', async () => {
  const readme = await readFile(join(packageRoot(), 'README.md'), 'utf8');
  for (const [, path = '', snippet = ''] of readme.matchAll(SNIPPET)) {
    const file = withoutIndent(await readFile(join(packageRoot(), path), 'utf8'));
    for (const part of snippet.split(OMISSION)) expect(file, path).toContain(withoutIndent(part));
  }
});
