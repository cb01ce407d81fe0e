import type pg from 'pg';
import type { Database } from '../../src/database/connect.ts';

/** A node of EXPLAIN's JSON. */
interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly 'Shared Hit Blocks'?: number;
  readonly 'Shared Read Blocks'?: number;
  readonly Plans?: readonly Plan[];
}

export interface Explained {
  readonly text: string;
  /** The tables that are read from end to end. */
  readonly wholeTables: readonly string[];
  /** The rows that its scans found and conditions discarded; 0 for a statement that writes, which is not run a second time. */
  readonly discarded: number;
  /** The rows, of a table or of an index alone, that its scans found; 0 for a statement that writes. */
  readonly found: number;
  /** The pages of tables and indexes that it read. */
  readonly pages: number;
}

type Connection = Pick<pg.Client, 'query'> | Pick<pg.Pool, 'query'>;

const WRITES = /\b(insert|update|delete)\b/i;

/**
 * Explains a statement on a database, with its values. A reading one is run.
 * @param tables those whose rows count; all by default
 */
export async function explain(
  connection: Connection,
  text: string,
  values: readonly unknown[],
  tables?: readonly string[],
): Promise<Explained> {
  const { rows } = await connection.query({ text: `EXPLAIN (${optionsFor(text)}) ${text}`, values: [...values] });
  return explainedBy(text, rows, tables);
}

/** Explains a statement with a plan for all values alike, as the pool for batches of reads makes it. */
export async function explainGeneric(
  client: pg.Client,
  text: string,
  values: readonly unknown[],
  tables?: readonly string[],
): Promise<Explained> {
  await client.query(`SET plan_cache_mode = force_generic_plan; PREPARE explained AS ${text}`);
  try {
    const literals = values.map((value) => client.escapeLiteral(Array.isArray(value) ? arrayText(value) : String(value)));
    const { rows } = await client.query(
      `EXPLAIN (${optionsFor(text)}) EXECUTE explained${literals.length > 0 ? ` (${literals.join(', ')})` : ''}`,
    );
    return explainedBy(text, rows, tables);
  } finally {
    await client.query('DEALLOCATE explained; SET plan_cache_mode = force_custom_plan');
  }
}

const optionsFor = (text: string) => (WRITES.test(text) ? 'FORMAT JSON' : 'ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON');

const arrayText = (values: readonly unknown[]) =>
  `{${values.map((value) => (value === null ? 'NULL' : JSON.stringify(String(value)))).join()}}`;

// biome-ignore lint/suspicious/noExplicitAny: PostgreSQL's JSON
function explainedBy(text: string, rows: readonly any[], tables: readonly string[] | undefined): Explained {
  const root: Plan = rows[0]['QUERY PLAN'][0].Plan;
  const nodes = nodesOf(root);
  const counted = nodes.filter((plan) => !tables || tables.includes(tableOf(plan) ?? ''));
  const loops = (plan: Plan) => plan['Actual Loops'] ?? 0;
  const discardedBy = (plan: Plan) => ((plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Index Recheck'] ?? 0)) * loops(plan);
  const foundBy = (plan: Plan) => (/Scan/.test(plan['Node Type']) ? (plan['Actual Rows'] ?? 0) * loops(plan) + discardedBy(plan) : 0);
  const sum = (of: (plan: Plan) => number) => counted.reduce((total, plan) => total + of(plan), 0);
  return {
    text,
    wholeTables: nodes.flatMap((plan) =>
      plan['Node Type'] === 'Seq Scan' && plan['Relation Name'] && plan['Actual Loops'] !== 0 ? [plan['Relation Name']] : [],
    ),
    discarded: sum(discardedBy),
    found: sum(foundBy),
    pages: (root['Shared Hit Blocks'] ?? 0) + (root['Shared Read Blocks'] ?? 0),
  };
}

/** The table of a scan. That of a bitmap names only its index, which begins with the table's name. */
const tableOf = (plan: Plan) => plan['Relation Name'] ?? /^(message_event|message|awaited_report)_/.exec(plan['Index Name'] ?? '')?.[1];

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

/** Records what a pool is asked while `work` runs, Prisma's statements included. Transactions are not recorded. */
export async function recording(
  { pool }: Pick<Database, 'pool'>,
  record: (text: string, values: readonly unknown[]) => void,
  work: () => Promise<unknown>,
): Promise<void> {
  const query = pool.query;
  // biome-ignore lint/suspicious/noExplicitAny: pg's query has many overloads
  pool.query = ((...args: any[]) => {
    const [given, values] = args;
    record(typeof given === 'string' ? given : given.text, values ?? given.values ?? []);
    return (query as (...all: unknown[]) => unknown).apply(pool, args);
  }) as typeof pool.query;
  try {
    await work();
  } finally {
    pool.query = query;
  }
}

/** Records what a pool is asked while `work` runs, and explains each text once. */
export async function explainAll(database: Database, work: () => Promise<unknown>): Promise<Explained[]> {
  const asked = new Map<string, readonly unknown[]>();
  await recording(database, (text, values) => void asked.set(text, values), work);
  const explained: Explained[] = [];
  for (const [text, values] of asked)
    if (/^\s*(select|with|insert|update|delete)\b/i.test(text)) explained.push(await explain(database.pool, text, values));
  return explained;
}
