import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasEmbedded } from './embedded.ts';

/** The key file is lost or damaged. */
export class SecretsKeyError extends Error {
  override readonly name = 'SecretsKeyError';
}

const KEY_FILE = 'secrets.key';

/**
 * The embedded database's master key: the 32 bytes that `dataDir`/secrets.key has in base64, made for a new directory and
 * readable by its owner alone.
 * @throws SecretsKeyError where a database is there without its key file, since what it sealed could never be opened again
 */
export async function secretsKeyOf(dataDir: string): Promise<Buffer> {
  const path = join(dataDir, KEY_FILE);
  const found = await readKey(path);
  if (found) return found;
  if (hasEmbedded(dataDir)) {
    throw new SecretsKeyError(
      `${path} is missing, and without it the secrets in this database can't be read. Restore it, or set SECRETS_KEY to its content.`,
    );
  }
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const draft = `${path}.new-${randomBytes(4).toString('hex')}`;
  await writeFile(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  try {
    // Of two gateways that start at once in a new directory, one makes the key and both read it.
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await unlink(draft);
  }
  return (await readKey(path)) ?? secretsKeyOf(dataDir);
}

async function readKey(path: string): Promise<Buffer | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  if (text === undefined) return undefined;
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== 32) throw new SecretsKeyError(`${path} is damaged: it takes 32 bytes in base64.`);
  return key;
}
