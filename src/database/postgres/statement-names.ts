import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { Connection } from './connection.ts';

/** So many prepared statements a connection holds at most, but for those of its last use: each costs PostgreSQL some ten KB. */
export const MOST_PREPARED = 500;
/** So many names, and texts that were asked once, are remembered at least, and twice as many at most. */
const REMEMBERED = 500;

/**
 * Names for prepared statements, the same for the same text. Clients' selections make texts without end, so one is named when it is asked again: until
 * then it is planned as it comes and takes no other's place. What was not asked for long is forgotten; a name is made from its text, and comes again
 * as it was.
 * @returns the name, '' for a statement that is not prepared
 */
export function statementNames(): (text: string) => string {
  // '' until it is asked again.
  let names = new Map<string, string>();
  let older = new Map<string, string>();
  return (text) => {
    const known = names.get(text);
    if (known) return known;
    const before = known ?? older.get(text);
    const name = before === undefined ? '' : before || `gateway_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
    if (known === undefined && names.size >= REMEMBERED) {
      older = names;
      names = new Map();
    }
    names.set(text, name);
    return name;
  };
}

/** Replaces the pool's connections that have prepared so many: PostgreSQL keeps what is prepared as long as its connection. */
export function retireFull(pool: pg.Pool): void {
  // 'release' is told just before the connection is taken back, and one that is ending by then is let go instead.
  pool.on('release', (_, client) => {
    if ((client as unknown as Connection).prepared >= MOST_PREPARED) void client.end();
  });
}
