import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DirectoryInUseError, type DirectoryLock, lockDirectory } from '../../../src/database/embedded/directory-lock.ts';
import { secretsKeysOf } from '../../../src/database/embedded/secrets-key.ts';

let directory: string;
const held: DirectoryLock[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lock-'));
});
afterEach(async () => {
  await Promise.all(held.splice(0).map((lock) => lock.release()));
  await rm(directory, { recursive: true });
});

async function lock(path = directory): Promise<DirectoryLock> {
  const taken = await lockDirectory(path);
  held.push(taken);
  return taken;
}

/** As a killed gateway leaves it: the file is there, and nobody listens. */
function leaveDeadLock(pid: number): Promise<void> {
  return writeFile(join(directory, 'gateway.lock.3'), JSON.stringify({ pid, socket: 'lock-0123abcd.sock' }));
}

test('a locked directory is refused, and the error names the process that holds it', async () => {
  await lock();
  await expect(lockDirectory(directory)).rejects.toThrow(DirectoryInUseError);
  await expect(lockDirectory(directory)).rejects.toThrow(`process id ${process.pid}`);
});

test('a released directory can be locked again, and only one of its lock files remains', async () => {
  for (let time = 0; time < 3; time += 1) await (await lockDirectory(directory)).release();
  expect(await readdir(directory)).toEqual(['gateway.lock.3']);
  await lock();
});

test("a dead holder's lock is taken over, even if another process now has its process id", async () => {
  await leaveDeadLock(process.pid);
  await lock();
  await expect(lockDirectory(directory)).rejects.toThrow(DirectoryInUseError);
});

test('a damaged lock file does not block anyone', async () => {
  await writeFile(join(directory, 'gateway.lock.3'), '{"pid":');
  await lock();
});

test('only one of many simultaneous processes gets the lock, with or without a dead lock', async () => {
  for (const leave of [() => Promise.resolve(), () => leaveDeadLock(1)]) {
    await leave();
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => lock()));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(DirectoryInUseError);
    await held.pop()?.release();
    expect(await readdir(directory)).toEqual([expect.stringMatching(/^gateway\.lock\.\d$/)]);
  }
});

test('a directory whose path is too long for a socket can be locked', async () => {
  const deep = join(directory, 'd'.repeat(60), 'e'.repeat(60));
  await mkdir(deep, { recursive: true });
  const { socketDirectory } = await lock(deep);
  expect(socketDirectory.length).toBeLessThan(80);
  await expect(lockDirectory(deep)).rejects.toThrow(DirectoryInUseError);
  await held.pop()?.release();
  await expect(stat(socketDirectory)).rejects.toThrow('ENOENT');
});

test('a new directory gets one key, which only its owner can read', async () => {
  const keys = await Promise.all(Array.from({ length: 5 }, () => secretsKeysOf(directory)));
  expect(new Set(keys.map((own) => own.map((key) => key.toString('hex')).join())).size).toBe(1);
  const path = join(directory, 'secrets.key');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(Buffer.from(await readFile(path, 'utf8'), 'base64')).toEqual(keys[0]?.[0]);
});

test('a database whose key file is lost does not get another key', async () => {
  await mkdir(join(directory, 'database'));
  await expect(secretsKeysOf(directory)).rejects.toThrow(/secrets\.key is missing/);
});
