import { pino } from 'pino';
import { connect } from './database/connect.ts';
import { migrate } from './database/migrations.ts';
import { MIGRATIONS } from './database/package-root.ts';
import { parseEnv } from './env.ts';
import { live, ready } from './http/health.ts';
import { listen } from './http/server.ts';

const settings = parseEnv(process.env);
const log = pino({ level: settings.logLevel });
const database = await connect({ ...settings, log });
await migrate(database.pool, MIGRATIONS);
const l = await listen((r) => (r.url.endsWith('live') ? live(r) : ready(r, database.ready)), settings);
console.log(l.url, Math.round(performance.now()), process.listenerCount('uncaughtException'), process.listenerCount('unhandledRejection'));
process.once('SIGTERM', async () => {
  await l.drain(1000);
  await database.close();
});
