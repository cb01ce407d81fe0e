import { mkdir } from 'node:fs/promises';

/** What DATA_DIR names can't be used. */
export class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError';
}

/** Makes the data directory where it is missing, for its owner alone. @throws DataDirectoryError where that can't be done */
export async function makeDataDirectory(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    throw unusable(dataDir, error);
  });
}

/** What a file of it that can't be read or written says of the whole. */
export const unusable = (dataDir: string, error: NodeJS.ErrnoException) =>
  new DataDirectoryError(`DATA_DIR can't be used (${dataDir}): ${error.message}`, { cause: error });
