import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll } from 'vitest';
import { newSid } from '../../src/domain/values/sid.ts';
import { type Listener, listen } from '../../src/server/server.ts';
import { done, newEnterprise, newMapping } from '../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import type { GraphClient } from '../support/graph.ts';

/** The text of every message. */
export const BODY = '=cmd("calc"), "quoted"\r\nand – more';

/** The owner of the exported messages: a provider with one mapping. */
export interface Owner {
  readonly provider: Provider;
  readonly enterprise: string;
  readonly mapping: string;
}

/** The rows of a CSV file by their columns. */
export const rowsOf = (text: string): Record<string, string>[] => parse(text, { columns: true });

/** Creates a gateway with three messages to export before a file's tests, and closes it after them. */
export function exportWorld() {
  let gateway: TestGateway;
  let listener: Listener;
  let stranger: Provider;
  let owner: Owner;
  let enterpriseName: string;
  const refusals: string[] = [];

  beforeAll(async () => {
    gateway = await createTestGateway({ access: { observeRefusal: (limit) => refusals.push(limit) } });
    listener = await listen((request) => gateway.app.fetch(request), { host: '127.0.0.1', port: 0, direct: gateway.app.direct });
    stranger = await gateway.provider();
    ({ name: enterpriseName, ...owner } = await newOwner({ name: '@Kohl; "GmbH"' }));
    await insertMessages(3, owner);
  });
  afterAll(async () => {
    await listener.drain(0);
    await gateway.close();
  });

  /** Creates a provider with an enterprise and a mapping. */
  async function newOwner(input = {}): Promise<Owner & { readonly name: string }> {
    const provider = await gateway.provider();
    const { sid: enterprise, name } = await done(provider, 'createEnterprise', newEnterprise(input));
    return { provider, enterprise, name, mapping: (await done(provider, 'createMapping', newMapping(enterprise))).sid };
  }

  /** Inserts messages a second apart, with their counts and indexes. */
  async function insertMessages(count: number, of: Owner) {
    const tag = newSid('MS');
    const client = await gateway.database.pool.connect();
    // Without the triggers that count messages: a million would take minutes.
    if (count > 100_000) await client.query('SET session_replication_role = replica');
    for (let first = 1; first <= count; first += 50_000)
      await client.query(
        `INSERT INTO message (sid, organization_sid, enterprise_sid, mapping_sid, account_sid, direction, "from", from_folded, "to", to_folded, body,
         channel_status, status_rank, date_created)
       SELECT 'MS' || md5($1 || n), $2, $3, $4, $5, (CASE n % 2 WHEN 0 THEN 'INBOUND' ELSE 'OUTBOUND' END)::message_direction, '+4930111', '4930111',
         'anna@kohl.example', 'anna@kohl.example', $6, (CASE n % 3 WHEN 0 THEN 'FAILED' ELSE 'DELIVERED' END)::channel_status, 3,
         timestamptz '2026-11-01T00:00:00Z' + n * interval '1 second'
       FROM generate_series($7::int, $8::int) AS n`,
        [tag, of.provider.organizationSid, of.enterprise, of.mapping, of.provider.accountSid, BODY, first, Math.min(count, first + 49_999)],
      );
    if (count > 100_000) await client.query('ANALYZE message');
    client.release(true);
  }

  async function link(graph: GraphClient, mutation: 'exportMessages' | 'exportMappings', input: object = {}) {
    const type = mutation.replace('e', 'E');
    const { data, errors, status } = await graph(
      `mutation ($input: ${type}Input!) { made: ${mutation}(input: $input) {
        ... on ${type}Success { exportSid url dateExpires } ... on Error { code path value } } }`,
      { input },
    );
    const { code = data?.made?.code, feature } = errors?.[0]?.extensions ?? {};
    return { status, ...data?.made, code, feature };
  }

  const download = async (url: string, method = 'GET') => {
    const response = await gateway.fetch(new Request(url, { method }));
    return { status: response.status, headers: response.headers, text: await response.text() };
  };

  /** Requests a URL over the network, as browsers do. */
  async function request(url: string): Promise<IncomingMessage> {
    const [response] = (await once(get(url.replace('http://gateway.test', listener.url)), 'response')) as [IncomingMessage];
    return response;
  }

  return {
    /** The limits that have refused a request. */
    refusals,
    get gateway() {
      return gateway;
    },
    /** The owner of the three messages. */
    get owner() {
      return owner;
    },
    get enterpriseName() {
      return enterpriseName;
    },
    /** A provider of another organization. */
    get stranger() {
      return stranger;
    },
    ...{ newOwner, insertMessages, link, download, request },
  };
}
