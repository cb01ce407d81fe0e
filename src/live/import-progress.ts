import { setTimeout as delay } from 'node:timers/promises';
import type { MappingImport, PrismaClient } from '../../prisma/client/client.ts';
import { countImportRows, findImport } from '../domain/bulk/imports.ts';
import type { Caller } from '../domain/caller.ts';
import { importNotFound } from '../domain/errors.ts';
import type { Updates } from './updates.ts';

/** How often an import is looked at, in ms: another instance may work on it. */
const POLL_MS = 500;

/**
 * Follows an import: its state now, and again whenever it or the number of its rows in a status has changed, until it is checked, completed or failed.
 * @throws NotFoundError IMPORT_NOT_FOUND
 */
export async function followImport(
  { prisma, signal }: { readonly prisma: PrismaClient; readonly signal: AbortSignal },
  caller: Caller,
  sid: string,
): Promise<Updates<MappingImport>> {
  const first = await findImport({ prisma }, caller, sid);
  if (!first) throw importNotFound(sid);
  const stopping = new AbortController();
  const stopped = AbortSignal.any([signal, stopping.signal]);
  const steps = progressOf(
    first,
    () => findImport({ prisma }, caller, sid),
    (row) => countImportRows({ prisma }, row),
    stopped,
  );
  const updates: Updates<MappingImport> = {
    next: () => steps.next(),
    return: async () => {
      stopping.abort();
      return steps.return(undefined);
    },
    upcoming: () => [],
    share: () => undefined,
    [Symbol.asyncIterator]: () => updates,
  };
  return updates;
}

async function* progressOf(
  first: MappingImport,
  read: () => Promise<MappingImport | null>,
  count: (row: MappingImport) => Promise<object>,
  signal: AbortSignal,
): AsyncGenerator<MappingImport, undefined> {
  let shown = '';
  for (let row: MappingImport | null = first; row && !signal.aborted; row = await read()) {
    const { holder: _, heldUntil: __, ...visible } = row;
    const state = JSON.stringify([visible, await count(row)]);
    if (state !== shown) yield row;
    shown = state;
    if (['CHECKED', 'COMPLETED', 'FAILED'].includes(row.status)) return;
    await delay(POLL_MS, undefined, { signal }).catch(() => {});
  }
}
