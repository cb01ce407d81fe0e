import { LRUCache } from 'lru-cache';
import type { Sql } from '../database/sql.ts';
import { createFairness, type FairnessOptions } from './fairness.ts';

/**
 * An organization's statements that take time, such as those of thirty aliases of one operation. Others' operations keep the connections and processors that
 * remain. Statements that are read together are short, and not among them.
 */
const STATEMENTS: FairnessOptions = { maxRunning: 3, maxRunningContended: 1, maxWaiting: Number.POSITIVE_INFINITY, briefMs: 5 };
/** How many organizations are remembered: the most recently active ones. */
const MAX_ORGANIZATIONS = 1000;

/**
 * Has organizations take turns with their statements, whichever of their accounts and admins asks for them.
 * @param patienceMs a statement that has waited longer is rejected as if it had got no connection: its request has timed out by then
 * @returns a function that returns an organization's ways to run SQL, and notes that it is active
 */
export function createStatementTurns(sql: Sql, patienceMs: number): (organizationSid: string) => Sql {
  const turns = createFairness(STATEMENTS);
  const byOrganization = new LRUCache<string, Sql>({ max: MAX_ORGANIZATIONS });

  function sqlOf(organizationSid: string): Sql {
    const inTurn =
      (run: Sql['query']): Sql['query'] =>
      (text, values) => {
        const since = performance.now();
        return turns.run(organizationSid, () => {
          if (performance.now() - since > patienceMs) throw new Error('timeout exceeded when trying to connect');
          return run(text, values);
        });
      };
    return Object.assign({}, sql, { query: inTurn(sql.query), read: inTurn(sql.read) });
  }

  return (organizationSid) => {
    turns.note(organizationSid);
    let own = byOrganization.get(organizationSid);
    if (!own) {
      own = sqlOf(organizationSid);
      byOrganization.set(organizationSid, own);
    }
    return own;
  };
}
