import { randomBytes } from 'node:crypto';
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDataDirectory, unusable } from './data-directory.ts';
import { hasEmbedded } from './embedded.ts';

/** The key file is lost or damaged. */
export class SecretsKeyError extends Error {
  override readonly name = 'SecretsKeyError';
}

const KEY_FILE = 'secrets.key';

/**
 * The master keys that the settings name, or the embedded database's own: the current one first.
 * @throws as secretsKeysOf
 */
export const masterKeysOf = async ({ secretsKeys, dataDir }: { secretsKeys?: readonly Buffer[]; dataDir: string }) =>
  secretsKeys ?? (await secretsKeysOf(dataDir));

/**
 * The embedded database's master keys: `dataDir`/secrets.key has 32 bytes in base64 a line, the current key in the first. It is made for a new
 * directory and readable by its owner alone.
 * @throws DataDirectoryError; SecretsKeyError where a database is there without its key file, since what it sealed could never be opened again
 */
export async function secretsKeysOf(dataDir: string): Promise<Buffer[]> {
  const path = join(dataDir, KEY_FILE);
  const found = await readKeys(path).catch((error: NodeJS.ErrnoException) => {
    throw error.code ? unusable(dataDir, error) : error;
  });
  if (found) return found;
  if (hasEmbedded(dataDir)) {
    throw new SecretsKeyError(
      `${path} is missing, and without it the secrets in this database can't be read. Restore it, or set SECRETS_KEYS to its content.`,
    );
  }
  await makeDataDirectory(dataDir);
  const draft = await writeDraft(path, [randomBytes(32)]).catch((error: NodeJS.ErrnoException) => {
    throw unusable(dataDir, error);
  });
  try {
    // Of two gateways that start at once in a new directory, one makes the key and both read it.
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await unlink(draft);
  }
  return (await readKeys(path)) ?? secretsKeysOf(dataDir);
}

/** Puts a new key in front of the embedded database's keys, which are retired by it. For whoever holds the database, so that no other does. */
export async function addSecretsKey(dataDir: string): Promise<void> {
  const path = join(dataDir, KEY_FILE);
  await rename(await writeDraft(path, [randomBytes(32), ...(await secretsKeysOf(dataDir))]), path);
}

/** Whole on the disk before it takes the place of the only copy. @returns its path */
async function writeDraft(path: string, keys: readonly Buffer[]): Promise<string> {
  const draft = `${path}.new-${randomBytes(4).toString('hex')}`;
  await writeFile(draft, keys.map((key) => `${key.toString('base64')}\n`).join(''), { mode: 0o600, flush: true });
  return draft;
}

async function readKeys(path: string): Promise<Buffer[] | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  if (text === undefined) return undefined;
  const keys = text
    .trim()
    .split(/\s+/)
    .map((line) => Buffer.from(line, 'base64'));
  if (keys.some((key) => key.length !== 32)) throw new SecretsKeyError(`${path} is damaged: it takes 32 bytes in base64 a line.`);
  return keys;
}
