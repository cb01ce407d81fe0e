import { afterEach, expect, test } from 'vitest';
import { createTestPlace, type TestPlace } from '../support/database.ts';
import { nowhere } from '../support/failure.ts';
import { ACCOUNT_SID, AUTH_TOKEN, AUTHORIZATION, GatewayProcess, SECRETS_KEY } from './gateway-process.ts';

let place: TestPlace | undefined;
let gateway: GatewayProcess | undefined;
afterEach(async () => {
  await gateway?.end('SIGKILL');
  await place?.remove();
});

async function start(env: Record<string, string>): Promise<GatewayProcess> {
  place = await createTestPlace('migrated');
  const { dataDir, databaseUrl } = place.settings;
  const account = { SECRETS_KEY, BOOTSTRAP_ACCOUNT_SID: ACCOUNT_SID, BOOTSTRAP_AUTH_TOKEN: AUTH_TOKEN };
  gateway = new GatewayProcess({
    ...account,
    ...env,
    ...(databaseUrl === undefined ? { DATA_DIR: dataDir } : { DATABASE_URL: databaseUrl }),
  });
  return gateway;
}

test('the log says once that the collector is away, with the error’s code alone, and requests are answered', async () => {
  const collector = await nowhere();
  const process = await start({
    OTEL_EXPORTER_OTLP_ENDPOINT: `${collector}/secret-path`,
    OTEL_EXPORTER_OTLP_TIMEOUT: '300',
    OTEL_BSP_SCHEDULE_DELAY: '50',
  });
  const url = await process.listening();
  const ask = async () => (await fetch(`${url}/msteams/enterprises/search`, { headers: { authorization: AUTHORIZATION } })).status;
  expect(await ask()).toBe(200);
  await process.says('traces do not reach the collector');
  expect(await ask()).toBe(200);
  expect(await process.end('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(process.stdout.split('traces do not reach the collector')).toHaveLength(2);
  expect(process.stdout).not.toContain('secret-path');
});

test('a protocol that the gateway does not have is refused at the start', async () => {
  const process = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' });
  expect(await process.exited).toEqual({ code: 1, signal: null });
  expect(process.stderr).toBe('OTEL_EXPORTER_OTLP_PROTOCOL is invalid (grpc): expected http/json\n');
});
