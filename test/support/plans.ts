import type { Database } from '../../src/database/connect.ts';

/** A node of EXPLAIN's JSON. */
interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly Plans?: readonly Plan[];
}

export interface Explained {
  readonly text: string;
  /** The tables that are read from end to end. */
  readonly wholeTables: readonly string[];
  /** The rows that its scans found and conditions discarded; 0 for a statement that writes, which is not run a second time. */
  readonly discarded: number;
}

const WRITES = /\b(insert|update|delete)\b/i;

/** Explains a statement on a database, with its values. A reading one is run. */
export async function explain({ pool }: Pick<Database, 'pool'>, text: string, values: readonly unknown[]): Promise<Explained> {
  const options = WRITES.test(text) ? 'FORMAT JSON' : 'ANALYZE, FORMAT JSON';
  const { rows } = await pool.query({ text: `EXPLAIN (${options}) ${text}`, values: [...values] });
  const nodes = nodesOf(rows[0]['QUERY PLAN'][0].Plan);
  const discardedBy = (plan: Plan) =>
    ((plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Index Recheck'] ?? 0)) * (plan['Actual Loops'] ?? 1);
  return {
    text,
    wholeTables: nodes.flatMap((plan) => (plan['Node Type'] === 'Seq Scan' && plan['Relation Name'] ? [plan['Relation Name']] : [])),
    discarded: nodes.reduce((sum, plan) => sum + discardedBy(plan), 0),
  };
}

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

/** Records what a pool is asked while `work` runs, Prisma's statements included, and explains each text once. Transactions are not recorded. */
export async function explainAll(database: Database, work: () => Promise<unknown>): Promise<Explained[]> {
  const { pool } = database;
  const asked = new Map<string, readonly unknown[]>();
  const query = pool.query;
  // biome-ignore lint/suspicious/noExplicitAny: pg's query has many overloads
  pool.query = ((...args: any[]) => {
    const [given, values] = args;
    const text = typeof given === 'string' ? given : given.text;
    asked.set(text, values ?? given.values ?? []);
    return (query as (...all: unknown[]) => unknown).apply(pool, args);
  }) as typeof pool.query;
  try {
    await work();
  } finally {
    pool.query = query;
  }
  const explained: Explained[] = [];
  for (const [text, values] of asked)
    if (/^\s*(select|with|insert|update|delete)\b/i.test(text)) explained.push(await explain(database, text, values));
  return explained;
}
