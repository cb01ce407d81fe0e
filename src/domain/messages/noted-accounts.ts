import { LRUCache } from 'lru-cache';
import type { Sql } from '../../database/sql.ts';

/** A statement that stores messages, as two texts. */
export interface StoringTexts {
  /** Has the database note which account the message names for its enterprise (access/shown-accounts.ts). */
  readonly noting: string;
  /** Has it skip that, which takes 0.04 ms. */
  readonly noted: string;
}

const MAX_PAIRS = 10_000;

/**
 * The pairs of enterprise and account that this process has noted while storing messages. The database never deletes one. Keyed by the function that
 * writes: each request has a Sql of its own (admission/statements.ts), but all requests share this function.
 */
const pairsOf = new WeakMap<Sql['writeTogether'], LRUCache<string, true>>();

/**
 * Stores a message, and has its account noted if this process has not done so before.
 * @param store runs one of the texts, and commits
 * @returns what `store` returns: no row if the message was not stored
 */
export async function storeNoting<Row>(
  sql: Sql,
  { enterpriseSid, accountSid }: { readonly enterpriseSid: string; readonly accountSid: string },
  { noting, noted }: StoringTexts,
  store: (text: string) => Promise<Row[]>,
): Promise<Row[]> {
  let pairs = pairsOf.get(sql.writeTogether);
  if (!pairs) {
    pairs = new LRUCache({ max: MAX_PAIRS });
    pairsOf.set(sql.writeTogether, pairs);
  }
  const pair = `${enterpriseSid} ${accountSid}`;
  if (pairs.get(pair)) return store(noted);
  const rows = await store(noting);
  if (rows.length > 0) pairs.set(pair, true);
  return rows;
}
