import { mkdir } from 'node:fs/promises';

/** The directory in DATA_DIR cannot be used. */
export class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError';
}

/**
 * Creates the data directory if it is missing, accessible to its owner only.
 * @throws DataDirectoryError
 */
export async function makeDataDirectory(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    throw unusable(dataDir, error);
  });
}

/** Makes the error for a file of the data directory that cannot be read or written. */
export const unusable = (dataDir: string, error: NodeJS.ErrnoException) =>
  new DataDirectoryError(`Cannot use DATA_DIR (${dataDir}): ${error.message}`, { cause: error });
