import { randomBytes } from 'node:crypto';
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDataDirectory, unusable } from './data-directory.ts';
import { hasEmbedded } from './embedded.ts';

/** The embedded database's key file is lost or damaged. */
export class SecretsKeyError extends Error {
  override readonly name = 'SecretsKeyError';
}

const KEY_FILE = 'secrets.key';
const KEY_BYTES = 32;

/**
 * Returns the master keys of the settings, or else the embedded database's own, the current one first.
 * @throws as secretsKeysOf
 */
export const masterKeysOf = async ({ secretsKeys, dataDir }: { secretsKeys?: readonly Buffer[]; dataDir: string }) =>
  secretsKeys ?? (await secretsKeysOf(dataDir));

/**
 * Reads the embedded database's master keys from `dataDir`/secrets.key: 32 bytes in base64 per line, the current key first. For a new directory, it
 * creates the file, readable by its owner only.
 * @throws DataDirectoryError; SecretsKeyError if the file is damaged, or missing although there is a database, whose values a new key could not open
 */
export async function secretsKeysOf(dataDir: string): Promise<Buffer[]> {
  const path = join(dataDir, KEY_FILE);
  const keys = await readKeys(path).catch((error: NodeJS.ErrnoException) => {
    throw error.code ? unusable(dataDir, error) : error;
  });
  if (keys) return keys;
  if (hasEmbedded(dataDir)) {
    throw new SecretsKeyError(
      `${path} is missing, and without it the secrets in this database cannot be read. Restore it, or set SECRETS_KEYS to its content.`,
    );
  }
  await makeDataDirectory(dataDir);
  const draft = await writeDraft(path, [randomBytes(KEY_BYTES)]).catch((error: NodeJS.ErrnoException) => {
    throw unusable(dataDir, error);
  });
  try {
    // If two gateways start at once in a new directory, one creates the file and both read it.
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await unlink(draft);
  }
  return (await readKeys(path)) ?? secretsKeysOf(dataDir);
}

/** Adds a new key before the embedded database's keys, which retires them. The caller must have the database open, so that only one process does this. */
export async function addSecretsKey(dataDir: string): Promise<void> {
  const path = join(dataDir, KEY_FILE);
  await rename(await writeDraft(path, [randomBytes(KEY_BYTES), ...(await secretsKeysOf(dataDir))]), path);
}

/**
 * Writes keys to a draft file, flushed to disk before it may replace the only copy.
 * @returns its path
 */
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
  if (keys.some((key) => key.length !== KEY_BYTES))
    throw new SecretsKeyError(`${path} is damaged: each line must be ${KEY_BYTES} bytes in base64.`);
  return keys;
}
