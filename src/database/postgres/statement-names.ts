import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import type { WatchedClient } from './connection.ts';

/** After how many prepared statements a connection is replaced: each takes about 10 KB of PostgreSQL's memory. */
export const MAX_PREPARED = 500;
/** How many texts are remembered: the most recently used ones. */
const MAX_TEXTS = 1000;

/**
 * Creates names for prepared statements: always the same for the same text. Clients' selections produce an unlimited number of texts, so a statement is
 * prepared only when its text is used a second time. A text that has not been used for long is forgotten; its name, a hash of it, stays the same.
 * @returns a function that returns a text's name, or '' for a statement that is not to be prepared
 */
export function statementNames(): (text: string) => string {
  // '' until the second time.
  const names = new LRUCache<string, string>({ max: MAX_TEXTS });
  return (text) => {
    const known = names.get(text);
    if (known) return known;
    const name = known === undefined ? '' : `gateway_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
    names.set(text, name);
    return name;
  };
}

/** Replaces connections that have prepared MAX_PREPARED statements, which PostgreSQL keeps as long as the connection. */
export function closeFullConnections(pool: pg.Pool): void {
  // 'release' is emitted just before the pool takes the connection back, and the pool drops one that is ending.
  pool.on('release', (_, client) => {
    if ((client as unknown as WatchedClient).prepared >= MAX_PREPARED) void client.end();
  });
}
