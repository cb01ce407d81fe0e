import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import * as engineModule from '@prisma/schema-engine-wasm/schema_engine_bg';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../src/database/connect.ts';
import { MIGRATIONS, packageRoot } from '../../src/database/package-root.ts';
import { createTestDatabase } from '../support/database.ts';

// Prisma's own schema engine, as WebAssembly: what `prisma migrate` downloads a binary of.
const SCHEMA = join(packageRoot(), 'prisma', 'schema.prisma');
const noFilter = { externalTables: [], externalEnums: [] };

let database: Database;
let engine: engineModule.SchemaEngine;
let files: { path: string; content: string }[];

beforeAll(async () => {
  database = await createTestDatabase();
  const directory = dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'));
  const imports: WebAssembly.ModuleImports = { ...(engineModule as unknown as WebAssembly.ModuleImports) };
  const { instance } = await WebAssembly.instantiate(await readFile(join(directory, 'schema_engine_bg.wasm')), {
    './schema_engine_bg.js': imports,
  });
  engineModule.__wbg_set_wasm(instance.exports);
  (instance.exports.__wbindgen_start as () => void)();

  files = [{ path: SCHEMA, content: await readFile(SCHEMA, 'utf8') }];
  const adapter = bindMigrationAwareSqlAdapterFactory(new CatalogueReader(database.pool));
  engine = await engineModule.SchemaEngine.new({ datamodels: files.map(({ path, content }) => [path, content]) }, () => undefined, adapter);
});
afterAll(() => database.close());

const CHAR = 18;
const CHAR_ARRAY = 1002;

/** The engine reads columns of type "char" in the catalog. adapter-pg knows that type's arrays only, so they pass as such half the way. */
class CatalogueReader extends PrismaPg {
  constructor(pool: pg.Pool) {
    super(pool);
    const query = pool.query.bind(pool) as (config: pg.QueryConfig, values: unknown[]) => Promise<pg.QueryResult>;
    Object.assign(pool, {
      query: async (config: pg.QueryConfig, values: unknown[]) => {
        const result = await query(config, values);
        for (const field of result.fields) if (field.dataTypeID === CHAR) field.dataTypeID = CHAR_ARRAY;
        return result;
      },
    });
  }

  override async connect() {
    const adapter = await super.connect();
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (query) => {
      const result = await queryRaw(query);
      const columnTypes = result.columnTypes.map((type) => (type === ColumnTypeEnum.CharacterArray ? ColumnTypeEnum.Character : type));
      return { ...result, columnTypes };
    };
    return adapter;
  }
}

test('the migrations create the schema of schema.prisma, except for indexes that Prisma cannot express', async () => {
  const { stdout } = await engine.diff({
    from: { tag: 'schemaDatasource', files, configDir: packageRoot() },
    to: { tag: 'schemaDatamodel', files },
    script: true,
    exitCode: null,
    filters: noFilter,
  });
  const statements = (stdout ?? '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('--'))
    .filter((line) => !line.startsWith('DROP INDEX'));
  expect(statements).toEqual([]);
});

test('prisma migrate deploy accepts the history as its own', async () => {
  const names = (await readdir(MIGRATIONS, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const migrationDirectories = await Promise.all(
    names.map(async (name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok' as const, value: await readFile(join(MIGRATIONS, name, 'migration.sql'), 'utf8') },
      },
    })),
  );
  const lockfile = { path: 'migration_lock.toml', content: await readFile(join(MIGRATIONS, 'migration_lock.toml'), 'utf8') };
  const migrationsList = { baseDir: MIGRATIONS, lockfile, shadowDbInitScript: '', migrationDirectories };
  expect(await engine.diagnoseMigrationHistory({ migrationsList, optInToShadowDatabase: false, filters: noFilter })).toEqual({
    editedMigrationNames: [],
    failedMigrationNames: [],
    hasMigrationsTable: true,
    history: null,
  });
  expect(await engine.applyMigrations({ migrationsList, filters: noFilter })).toEqual({ appliedMigrationNames: [] });
});
