import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { connect, type Database } from '../src/database/connect.ts';
import { connected, dropDatabase } from './database.ts';
import { backendsOf, describeMachine, processorTime } from './machine.ts';
import { CASES, type Case, type Place, startOf } from './partitions/cases.ts';
import { measureRetention } from './partitions/retention.ts';
import { build, VARIANTS, type Variant } from './partitions/variants.ts';
import { scaleData } from './scale-data.ts';

// `npx tsx bench/partitions.ts`: what the gateway's statements take of tables that are partitioned in one way or another (docs/adr/0024). Each variant is
// a schema of one database, with the same rows; its statements are the gateway's own, on its own connections.

const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000000' },
    variants: { type: 'string', default: VARIANTS.map(({ name }) => name).join() },
    /** Processor time of PostgreSQL for one case of one variant in one round, in s. */
    seconds: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    /** Whether to keep the database for another run. */
    keep: { type: 'boolean', default: false },
    database: { type: 'string', default: 'trial_partitions' },
  },
});
const server = process.env.DATABASE_URL ?? 'postgresql://root@127.0.0.1:5432/postgres';
const NAME = options.database;
const messages = Number(options.messages);
const few = Math.ceil(messages / 2000);
const chosen = VARIANTS.filter(({ name }) => options.variants.split(',').includes(name));

/** Of one statement: PostgreSQL's processor time, in µs, and of its first run on a connection, planning and execution, in ms. */
interface Taken {
  readonly processor: number[];
  planning: number;
  execution: number;
}

const url = await scaleData(server, NAME, { messages: messages - 200 * few, few });
const taken = new Map<Case, Map<Variant, Taken>>(CASES.map((each) => [each, new Map()]));
const notes: string[] = [];
const [plain, ...others] = chosen as [Variant, ...Variant[]];
await connected(url, (client) => build(client, plain));
for (const variant of others) {
  const began = performance.now();
  await connected(url, (client) => build(client, variant));
  console.log(`${variant.name}: built in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  for (let round = 0; round < Number(options.rounds); round += 1) {
    // They take turns, so that whatever else the machine does meanwhile slows both.
    for (const each of [plain, variant]) await inVariant(each, (database) => measureRound(database, each));
  }
  notes.push(await connected(url, (client) => measureRetention(client, variant)));
  await connected(url, (client) => client.query(`DROP SCHEMA ${variant.name} CASCADE`));
  console.log(`${variant.name}: measured`);
  await writeFile(new URL('results-partitions.md', import.meta.url), report());
}
// Its rows are missing afterwards.
if (!options.keep) notes.unshift(await connected(url, (client) => measureRetention(client, plain)));

const text = report();
console.log(text);
await writeFile(new URL('results-partitions.md', import.meta.url), text);
if (!options.keep) await dropDatabase(server, NAME);

async function inVariant(variant: Variant, work: (database: Database) => Promise<void>): Promise<void> {
  // A statement that was given up may still run.
  await connected(url, (client) =>
    client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()'),
  );
  const databaseUrl = `${url}?options=${encodeURIComponent(`-c search_path=${variant.name},public`)}`;
  const database = await connect({ databaseUrl, dataDir: '', log: console });
  try {
    await work(database);
  } finally {
    await database.close();
  }
}

async function measureRound(database: Database, variant: Variant): Promise<void> {
  const place = await startOf(database, variant);
  for (const each of CASES) {
    let result = taken.get(each)?.get(variant);
    if (!result) {
      const { planning, execution } = await planned(database, variant, each, place).catch(() => ({
        planning: Number.NaN,
        execution: Number.NaN,
      }));
      result = { processor: [], planning, execution };
      taken.get(each)?.set(variant, result);
    }
    // One that PostgreSQL cancels after 15 s has no number.
    result.processor.push(await processorOf(each, place, Number(options.seconds)).catch(() => Number.POSITIVE_INFINITY));
  }
}

async function processorOf({ run }: Case, place: Place, seconds: number): Promise<number> {
  const deadline = performance.now() + seconds * 4000;
  // Plans are made once a second: some of the runs make one, as they do in a gateway with little to do.
  for (let warm = 0; warm < 20 && performance.now() < deadline - seconds * 3000; warm += 1) await run(place, warm);
  const times = () => new Map(backendsOf(NAME).map((pid) => [pid, processorTime(pid)]));
  const before = times();
  let runs = 0;
  let used = 0;
  while (used < seconds && performance.now() < deadline) {
    const pause = performance.now() + 50;
    do {
      runs += 1;
      await run(place, runs);
    } while (performance.now() < pause);
    used = [...times()].reduce((sum, [pid, time]) => sum + time - (before.get(pid) ?? 0), 0);
  }
  return (used / runs) * 1e6;
}

/** Plans and runs the case's statements as a connection does that has not seen them. Writes are not run twice. */
async function planned(database: Database, variant: Variant, { run, isWrite }: Case, place: Place) {
  const seen: { text: string; values: readonly unknown[] }[] = [];
  const note = <Query extends (text: string, values: readonly unknown[]) => Promise<unknown>>(query: Query) =>
    ((text: string, values: readonly unknown[]) => {
      seen.push({ text, values });
      return query(text, values);
    }) as Query;
  const { sql } = database;
  const noted = {
    ...sql,
    query: note(sql.query),
    read: note(sql.read),
    readTogether: ((statement: Parameters<typeof sql.readTogether>[0]) => {
      seen.push(statement);
      return sql.readTogether(statement);
    }) as typeof sql.readTogether,
    writeTogether: ((statement: Parameters<typeof sql.writeTogether>[0]) => {
      seen.push({ text: statement.text, values: statement.values.map((value) => [value]) });
      return sql.writeTogether(statement);
    }) as typeof sql.writeTogether,
  };
  await run({ ...place, database: { ...database, sql: noted } }, 1_000_000);
  return connected(url, async (client) => {
    await client.query(`SET search_path = ${variant.name}, public; SET jit = off`);
    const sum = { planning: 0, execution: 0 };
    for (const { text, values } of seen) {
      // The second, since the first also reads the catalog.
      for (const isCounted of [false, true]) {
        const explain = `EXPLAIN (${isWrite ? '' : 'ANALYZE, '}SUMMARY, FORMAT JSON) ${text}`;
        const { rows } = await client.query(explain, [...values]);
        const plan = rows[0]['QUERY PLAN'][0];
        if (!isCounted) continue;
        sum.planning += plan['Planning Time'];
        sum.execution += plan['Execution Time'] ?? Number.NaN;
      }
    }
    return sum;
  });
}

function report(): string {
  const done = chosen.filter((variant) => taken.get(CASES[0] as Case)?.has(variant));
  const names = done.map(({ name }) => name);
  const header = `| | ${names.join(' | ')} |\n|---|${names.map(() => '---').join('|')}|`;
  const rows = (cell: (result: Taken, first: Taken) => string) =>
    [...taken]
      .map(([{ what }, results]) => {
        const all = done.map((variant) => results.get(variant) as Taken);
        return `| ${what} | ${all.map((result) => cell(result, all[0] as Taken)).join(' | ')} |`;
      })
      .join('\n');
  // The least of the rounds: what else the machine does only adds.
  const processor = rows(({ processor: each }, { processor: base }) => {
    const [own, first] = [Math.min(...each), Math.min(...base)];
    return Number.isFinite(own) ? `${own.toFixed(0)} (${(own / first).toFixed(2)} ×)` : 'cancelled after 15 s';
  });
  const planning = rows(({ planning: plan, execution }) => `${plan.toFixed(2)} + ${Number.isNaN(execution) ? '–' : execution.toFixed(2)}`);
  return `# Partitions of messages and events

${messages / 1e6} million messages. ${done.map(({ name, what }) => `**${name}**: ${what}`).join('; ')}.

PostgreSQL's processor time for one operation of the gateway, in µs, and beside the first variant's:

${header}
${processor}

Planning + execution of its statements, where each is planned anew, in ms:

${header}
${planning}

## Size, vacuum, retention

${notes.join('\n')}

${describeMachine()}.
`;
}
