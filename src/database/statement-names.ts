import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { Connection } from './connection.ts';

/** So many prepared statements a connection holds at most, but for those of its last use: each costs PostgreSQL some ten KB, and as many are remembered. */
export const MOST_PREPARED = 500;

/**
 * Names for prepared statements, the same for the same text. Clients' selections make texts without end, so what was not asked for long is forgotten;
 * a name is made from its text, and comes again as it was.
 */
export function statementNames(): (text: string) => string {
  let names = new Map<string, string>();
  let older = new Map<string, string>();
  return (text) => {
    const known = names.get(text);
    if (known !== undefined) return known;
    const name = older.get(text) ?? `gateway_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
    if (names.size >= MOST_PREPARED) {
      older = names;
      names = new Map();
    }
    names.set(text, name);
    return name;
  };
}

/** Replaces the pool's connections that have prepared so many: PostgreSQL keeps what is prepared as long as its connection. */
export function retireFull(pool: pg.Pool): void {
  // One that has ended by now is not taken back.
  pool.on('release', (_, client) => {
    if ((client as unknown as Connection).prepared >= MOST_PREPARED) void client.end();
  });
}
