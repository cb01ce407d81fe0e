import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { type ImportRunner, startImports } from '../../src/bulk/import-runner.ts';
import { PlatformError } from '../../src/domain/errors.ts';
import { createEmbeddedMicrosoft } from '../../src/platforms/microsoft/embedded.ts';
import { type Listener, listen } from '../../src/server/server.ts';
import { done, fresh, newEnterprise } from '../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import type { GraphClient } from '../support/graph.ts';
import { createRecordingRestcomm } from '../support/recording-restcomm.ts';

const STATE = `sid status isInterrupted errorCode errorMessage rowCount counts { pending valid invalid created existing failed }
  rows(first: 1000) { number line name microsoftAddress externalAddress status errorCode errorMessage errorPath mappingSid }`;

export const HEADER = 'name,microsoftAddress,externalAddress';
export const rows = (count: number) => Array.from({ length: count }, () => [fresh.name(), fresh.user(), fresh.number()] as const);
export const csv = (list: readonly (readonly string[])[]) => [HEADER, ...list.map((row) => row.join(','))].join('\r\n');

/** Makes a gateway before a file's tests, with an enterprise to import into, and closes it after them. */
export function importWorld() {
  const restcomm = createRecordingRestcomm();
  const embedded = createEmbeddedMicrosoft();
  const throttled = new Set<string>();
  const microsoft = {
    ...embedded,
    findUser: async (...[bot, address]: Parameters<typeof embedded.findUser>) => {
      if (throttled.has(address)) throw new PlatformError('Microsoft Graph: Too many requests');
      return embedded.findUser(bot, address);
    },
  };
  let gateway: TestGateway;
  let listener: Listener;
  let provider: Provider;
  let stranger: Provider;
  let enterpriseSid: string;
  let runner: ImportRunner | undefined;
  const refusals: string[] = [];

  beforeAll(async () => {
    gateway = await createTestGateway({ platforms: { restcomm, microsoft }, access: { observeRefusal: (limit) => refusals.push(limit) } });
    listener = await listen((request, peer) => gateway.app.fetch(request, peer), {
      host: '127.0.0.1',
      port: 0,
      direct: gateway.app.direct,
    });
    [provider, stranger] = [await gateway.provider(), await gateway.provider()];
    enterpriseSid = (await done(provider, 'createEnterprise', newEnterprise())).sid;
  });
  afterEach(async () => {
    await runner?.stop();
    runner = undefined;
    restcomm.reset();
  });
  afterAll(async () => {
    await listener.drain(0);
    await gateway.close();
  });

  async function run(graph: GraphClient, mutation: 'importMappings' | 'runMappingImport', input: object) {
    const type = mutation.replace(/^./, (letter) => letter.toUpperCase());
    const { data, errors, status } = await graph(
      `mutation ($input: ${type}Input!) { made: ${mutation}(input: $input) {
        ... on ${type}Success { mappingImport { sid status } ${mutation === 'importMappings' ? 'uploadUrl dateExpires' : ''} } ... on Error { code path value } } }`,
      { input },
    );
    const { code = data?.made?.code, feature } = errors?.[0]?.extensions ?? {};
    return { status, ...data?.made, code, feature };
  }

  const upload = async (url: string, file: string | Uint8Array<ArrayBuffer>, method = 'PUT') => {
    const response = await gateway.fetch(new Request(url, { method, body: file }));
    return { status: response.status, ...((await response.json()) as { code?: string; message?: string; rows?: number }) };
  };

  // biome-ignore lint/suspicious/noExplicitAny: what a test selects is its own to know
  const stateOf = async (sid: string, graph = provider.graph): Promise<any> =>
    (await graph(`query ($sid: ID!) { mappingImport(sid: $sid) { ${STATE} } }`, { sid })).data.mappingImport;

  /** Waits until an import has this status. */
  async function reaches(sid: string, status: string) {
    await expect.poll(async () => (await stateOf(sid)).status, { timeout: 150_000, interval: 50 }).toBe(status);
    return stateOf(sid);
  }

  /** Uploads a file and has it checked. */
  async function checked(file: string | Uint8Array<ArrayBuffer>, enterprise = enterpriseSid) {
    const { mappingImport, uploadUrl } = await run(provider.graph, 'importMappings', { enterpriseSid: enterprise });
    expect(await upload(uploadUrl, file)).toMatchObject({ status: 202 });
    runner ??= startImports(gateway.gateway, { everyMs: 20 });
    return reaches(mappingImport.sid, 'CHECKED');
  }

  return {
    /** The limits that have refused a request. */
    refusals,
    get gateway() {
      return gateway;
    },
    get listener() {
      return listener;
    },
    get provider() {
      return provider;
    },
    /** A provider of another organization. */
    get stranger() {
      return stranger;
    },
    get enterpriseSid() {
      return enterpriseSid;
    },
    /** What works on imports. It is stopped after each test. */
    get runner() {
      return runner;
    },
    set runner(next) {
      runner = next;
    },
    restcomm,
    /** The users that Microsoft does not answer about. */
    throttled,
    ...{ run, upload, stateOf, reaches, checked },
    mappingsOf: (sid: string) =>
      gateway.database.prisma.mapping.findMany({ where: { enterpriseSid: sid }, orderBy: { dateCreated: 'asc' } }),
  };
}
