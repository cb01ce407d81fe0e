import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { connect } from '../../../src/database/connect.ts';
import { createSecrets } from '../../../src/domain/secrets.ts';
import { createTestPlace, type TestPlace } from '../../support/database.ts';
import { createTestGateway, type Provider, type TestGateway } from '../../support/gateway.ts';
import { graphClient } from '../../support/graph.ts';
import { createSender, type Sender } from '../../support/live.ts';

// The commands of docs/operating.md, "Backups": a gateway on what they have restored.
const execute = promisify(execFile);
const secrets = createSecrets(randomBytes(32));
const SEND = `mutation ($input: SendMessageInput!) {
  sendMessage(input: $input) { ... on SendMessageSuccess { sentMessage { sid } } ... on Error { code } }
}`;
const QUERY = 'query ($after: String) { messageEvents(after: $after, first: 10) { nodes { cursor message { sid } } } }';

describe.skipIf(!inject('postgres'))('after a restore', () => {
  let directory: string;
  let dump: string;
  let places: TestPlace[];
  let provider: Provider;
  let from: Sender;
  let saved: string[];
  let lost: string[];

  const urlOf = ({ settings }: TestPlace) => settings.databaseUrl ?? '';

  async function gatewayOn(place: TestPlace): Promise<TestGateway> {
    const database = await connect({ dataDir: directory, databaseUrl: urlOf(place), log: pino({ level: 'silent' }) });
    return createTestGateway({ database, secrets });
  }

  /** The cursors of the events after one, as the provider polls them; or the error's code. */
  async function cursors({ fetch }: TestGateway, after?: string): Promise<string[] | string> {
    const graph = graphClient(fetch, { user: provider.accountSid, password: provider.authToken });
    const { data, errors } = await graph(QUERY, { after });
    return errors?.[0]?.extensions?.code ?? data.messageEvents.nodes.map(({ cursor }: { cursor: string }) => cursor);
  }

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'restored-'));
    dump = join(directory, 'gateway.dump');
    places = [await createTestPlace('migrated'), await createTestPlace('empty')];
    const gateway = await gatewayOn(places[0] as TestPlace);
    provider = await gateway.provider();
    from = await createSender(gateway, provider);
    await from.send();
    saved = (await cursors(gateway)) as string[];
    await execute('pg_dump', ['--format=custom', `--file=${dump}`, urlOf(places[0] as TestPlace)]);
    // After the backup: this event is lost, and its number is another's in the restored database.
    await from.send();
    lost = (await cursors(gateway, saved[0])) as string[];
    await gateway.close();
  });
  afterAll(async () => {
    await Promise.all(places.map((place) => place.remove()));
    await rm(directory, { recursive: true });
  });

  test.each([
    ['into another database', 1, []],
    ['over the same database', 0, ['--clean', '--if-exists']],
  ] as const)('%s, former cursors are invalid, and no event has one of them', async (_where, index, options) => {
    const place = places[index] as TestPlace;
    expect([saved.length, lost.length]).toEqual([1, 1]);
    await execute('pg_restore', ['--no-owner', ...options, `--dbname=${urlOf(place)}`, dump]);
    const gateway = await gatewayOn(place);
    try {
      expect(await Promise.all([...saved, ...lost].map((cursor) => cursors(gateway, cursor)))).toEqual([
        'CURSOR_INVALID',
        'CURSOR_INVALID',
      ]);
      const graph = graphClient(gateway.fetch, { user: provider.accountSid, password: provider.authToken });
      const input = { mappingSid: from.mappingSid, to: '+15550100', body: 'Hello' };
      const { data } = await graph(SEND, { input });
      expect(data.sendMessage.sentMessage.sid).toMatch(/^MS/);
      const now = (await cursors(gateway)) as string[];
      expect(now).toHaveLength(2);
      expect(now.filter((cursor) => [...saved, ...lost].includes(cursor))).toEqual([]);
      // Once, not each time.
      expect(await cursors(gateway)).toEqual(now);
      expect(await cursors(gateway, now[0])).toEqual(now.slice(1));
    } finally {
      await gateway.close();
    }
  });
});
