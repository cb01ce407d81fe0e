import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The package's directory: the nearest one above this module that contains prisma/migrations. Works from the sources and from the bundle in dist.
 * @throws Error if there is none
 */
export function packageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'prisma', 'migrations'))) {
    const parent = dirname(directory);
    if (parent === directory) throw new Error('The package is incomplete: prisma/migrations is missing.');
    directory = parent;
  }
  return directory;
}

export const MIGRATIONS = join(packageRoot(), 'prisma', 'migrations');
