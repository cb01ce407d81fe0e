import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createApp } from '../../src/app.ts';
import { createSecrets } from '../../src/domain/secrets.ts';
import { parseEnv } from '../../src/env.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { ListenError } from '../../src/server/server.ts';
import { startGateway } from '../../src/start.ts';
import { overheard } from '../execution/both-ways.ts';
import { createTestDatabase } from '../support/database.ts';

test('a start that fails because METRICS_PORT is in use claims no lane, which would have to wait for the end of its lease', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { database, asked } = overheard(await createTestDatabase());
  const metrics = createMetrics();
  const env = { PORT: '0', METRICS_PORT: String((taken.address() as AddressInfo).port), DATA_DIR: '/nowhere' };
  const started = startGateway({
    ...{ settings: parseEnv(env), database, metrics, createApp },
    secrets: createSecrets(Buffer.alloc(32, 7)),
    onFirstAccount: () => {},
    log: pino({ level: 'silent' }),
  });
  await expect(started).rejects.toBeInstanceOf(ListenError);
  expect(asked.filter((text) => text.includes('outbox_lane'))).toEqual([]);
  metrics.close();
  await database.close();
  taken.close();
});
