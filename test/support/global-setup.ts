import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { buildSnapshot } from '../../src/database/embedded/build-snapshot.ts';
import { migrate } from '../../src/database/migrations.ts';
import { MIGRATIONS } from '../../src/database/package-root.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The PostgreSQL of this run and the migrated database that every test file copies. Unset: embedded. */
    postgres: { url: string; template: string } | undefined;
  }
}

/** Makes what each test file's database is copied from, and removes every copy at the end of the run. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  // Embedded databases are tested in either run.
  await buildSnapshot();
  const url = process.env.TEST_DATABASE_URL;
  provide('postgres', undefined);
  if (!url) return async () => undefined;

  const template = `gateway_test_${randomBytes(4).toString('hex')}`;
  const admin = new pg.Pool({ connectionString: url, max: 1 });
  await admin.query(`CREATE DATABASE ${template}`);
  const templateUrl = new URL(url);
  templateUrl.pathname = template;
  const pool = new pg.Pool({ connectionString: templateUrl.href, max: 1 });
  await migrate(pool, MIGRATIONS);
  await pool.end();
  provide('postgres', { url, template });
  return async () => {
    const { rows } = await admin.query<{ datname: string }>('SELECT datname FROM pg_database WHERE starts_with(datname, $1)', [template]);
    for (const { datname } of rows) await admin.query(`DROP DATABASE ${datname} WITH (FORCE)`);
    await admin.end();
  };
}
