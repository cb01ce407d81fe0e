import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ENVIRONMENT, START, startGateway } from '../gateway.ts';
import { ALL_CORES, residentBytes } from '../machine.ts';
import { median } from '../measure.ts';
import { freePort, serve } from '../server.ts';
import type { Row, Work } from '../work.ts';
import { milliseconds } from './graph.ts';

/** What `npm start` runs, and `npm start` itself with what npm does before. */
const NODE = ['sh', '-c', `exec ${START}`] as const;
const NPM = ['npm', 'start'] as const;
const SETTLED_MS = 10_000;

/** A database to start on, and what is done to it after each start. */
interface Place {
  readonly work: string;
  readonly atMost: number;
  readonly env: Readonly<Record<string, string>>;
  readonly after?: () => Promise<void>;
}

/**
 * From its start to the first 200 of /health/ready, on each kind of database, with all cores; and what it keeps resident when nothing is asked
 * of it. Each start is the first after the one before has ended.
 */
export const start: Work = async ({ data, pace, smoke }) => {
  const directory = await mkdtemp(join(tmpdir(), 'gateway-bench-data-'));
  const [existing, made] = [join(directory, 'existing'), join(directory, 'made')];
  const rows: Row[] = [];
  try {
    await readyMs(NODE, { DATA_DIR: existing });
    const places: Place[] = [
      { work: 'ready after start on PostgreSQL', atMost: 600, env: { DATABASE_URL: data.url } },
      { work: 'ready after start on an existing embedded directory', atMost: 900, env: { DATA_DIR: existing } },
      {
        work: 'ready after start on a new embedded directory',
        atMost: 1000,
        env: { DATA_DIR: made },
        after: () => rm(made, { recursive: true }),
      },
    ];
    for (const place of places) rows.push(await readiness(place, pace.repeats, !smoke || place.env === places[0]?.env));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  const gateway = await startGateway(data.url);
  await delay(smoke ? 500 : SETTLED_MS);
  const is = residentBytes(gateway.pid) / 1e6;
  await gateway.stop();
  const work = 'memory, idle on PostgreSQL';
  rows.push({ work, beside: '–', gateway: `${is.toFixed(0)} MB`, peer: '–', is, unit: 'MB', mark: { atMost: 110 } });
  return { rows, measured: [] };
};

async function readiness({ work, atMost, env, after }: Place, times: number, withNpm: boolean): Promise<Row> {
  const [byNode, byNpm]: [number[], number[]] = [[], []];
  for (let time = 0; time < times; time += 1) {
    byNode.push(await readyMs(NODE, env));
    await after?.();
    if (!withNpm) continue;
    byNpm.push(await readyMs(NPM, env));
    await after?.();
  }
  const is = median(byNode);
  const peer = withNpm ? milliseconds(median(byNpm)) : '–';
  return { work, beside: 'with npm start around it', gateway: milliseconds(is), peer, is, unit: 'ms', mark: { atMost } };
}

async function readyMs(command: readonly [string, ...string[]], env: Readonly<Record<string, string>>): Promise<number> {
  const port = await freePort();
  const server = await serve('gateway', ALL_CORES, command, {
    port,
    path: '/health/ready',
    env: { ...ENVIRONMENT, ...env, PORT: String(port) },
  });
  await server.stop();
  return server.readyMs;
}
