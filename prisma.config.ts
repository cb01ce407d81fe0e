import { defineConfig } from 'prisma/config';

// `prisma generate` needs no schema engine, but wants to download one. Any existing executable keeps it offline.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
});
