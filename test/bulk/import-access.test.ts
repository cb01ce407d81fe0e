import { beforeAll, describe, expect, test } from 'vitest';
import { startImports } from '../../src/bulk/import-runner.ts';
import { createAccount } from '../../src/domain/access/accounts.ts';
import { importMappings, purgeImports } from '../../src/domain/bulk/imports.ts';
import type { Caller } from '../../src/domain/caller.ts';
import { newSid } from '../../src/domain/values/sid.ts';
import type { Listener } from '../../src/server/server.ts';
import { done, fresh, newEnterprise, unknownSid } from '../parity/faces.ts';
import type { Provider, TestGateway } from '../support/gateway.ts';
import { graphClient } from '../support/graph.ts';
import { csv, HEADER, importWorld, rows } from './import-world.ts';

const world = importWorld();
const { run, upload, stateOf, reaches, mappingsOf } = world;
let gateway: TestGateway;
let listener: Listener;
let provider: Provider;
let stranger: Provider;
let enterpriseSid: string;
beforeAll(() => {
  ({ gateway, listener, provider, stranger, enterpriseSid } = world);
});

describe('uploads', () => {
  /** Begins an upload over the network that ends when `finish` is called. */
  async function begin(uploadUrl: string) {
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    async function* pieces() {
      yield Buffer.from(`${HEADER}\n`);
      await finished;
      yield Buffer.from(csv(rows(1)).slice(HEADER.length + 2));
    }
    const response = fetch(uploadUrl.replace('http://gateway.test', listener.url), {
      ...{ method: 'PUT', body: pieces(), duplex: 'half' },
    } as unknown as RequestInit);
    return { response, finish };
  }
  const prepare = async () => (await run(provider.graph, 'importMappings', { enterpriseSid })) as unknown as Prepared;
  interface Prepared {
    readonly mappingImport: { readonly sid: string };
    readonly uploadUrl: string;
  }
  const isBegun = ({ mappingImport: { sid } }: Prepared) =>
    expect
      .poll(async () => (await gateway.database.prisma.mappingImport.findUniqueOrThrow({ where: { sid } })).heldUntil, { timeout: 10_000 })
      .not.toBeNull();

  test('of one file at the same time are refused but for the first, and five of an organization', { timeout: 60_000 }, async () => {
    const all = await Promise.all(Array.from({ length: 5 }, prepare));
    const last = all.pop() as Prepared;
    const uploads = await Promise.all(all.slice(0, 3).map(({ uploadUrl }) => begin(uploadUrl)));
    await Promise.all(all.slice(0, 3).map(isBegun));
    const [{ uploadUrl: first }, , , fourth] = all as [Prepared, Prepared, Prepared, Prepared];
    expect(await upload(first, csv(rows(1)))).toMatchObject({ status: 409, code: 'IMPORT_NOT_READY' });
    uploads.push(await begin(fourth.uploadUrl));
    await isBegun(fourth);
    expect(await upload(last.uploadUrl, csv(rows(1)))).toMatchObject({ status: 429 });
    expect(world.refusals).toEqual(['uploads']);
    for (const { finish } of uploads) finish();
    for (const { response } of uploads) expect((await response).status).toBe(202);
    expect(await upload(last.uploadUrl, csv(rows(1)))).toMatchObject({ status: 202, rows: 1 });
  });

  test('are prepared until fifty are unfinished, of which enterprises’ admins have half', async () => {
    const own = await gateway.provider();
    const { sid: enterprise } = await done(own, 'createEnterprise', newEnterprise());
    const { mappingImport } = await run(own.graph, 'importMappings', { enterpriseSid: enterprise });
    const { prisma } = gateway.database;
    const one = await prisma.mappingImport.findUniqueOrThrow({ where: { sid: mappingImport.sid } });
    await prisma.mappingImport.createMany({ data: Array.from({ length: 49 }, () => ({ ...one, sid: newSid('IM') })) });
    expect(await run(own.graph, 'importMappings', { enterpriseSid: enterprise })).toMatchObject({ code: 'TOO_MANY_IMPORTS' });
    await prisma.mappingImport.updateMany({
      where: { organizationSid: own.organizationSid, sid: { not: one.sid } },
      data: { dateExpires: new Date() },
    });
    expect((await run(own.graph, 'importMappings', { enterpriseSid: enterprise })).mappingImport).toBeTruthy();
    await prisma.mappingImport.createMany({
      data: Array.from({ length: 25 }, () => ({ ...one, sid: newSid('IM'), confinedTo: enterprise })),
    });
    const caller: Caller = {
      ...{ organizationSid: own.organizationSid, accountSid: own.accountSid, enterpriseSid: enterprise },
      ...{ permissions: new Set(['read', 'write']), requestId: 'request' },
    };
    await expect(importMappings(gateway.gateway, caller, { enterpriseSid: enterprise })).rejects.toMatchObject({
      code: 'TOO_MANY_IMPORTS',
    });
    expect((await run(own.graph, 'importMappings', { enterpriseSid: enterprise })).mappingImport).toBeTruthy();
  });
});

describe('an import is the caller’s alone', () => {
  test('importMappings and runMappingImport need credentials, and refuse what they do not know', async () => {
    const anonymous = graphClient(gateway.fetch);
    expect((await run(anonymous, 'importMappings', { enterpriseSid })).status).toBe(401);
    expect((await run(anonymous, 'runMappingImport', { sid: 'IM' })).status).toBe(401);
    expect(await run(provider.graph, 'importMappings', { enterpriseSid: unknownSid('EN') })).toMatchObject({
      code: 'ENTERPRISE_NOT_FOUND',
    });
    expect(await run(provider.graph, 'importMappings', { enterpriseSid: ' ' })).toMatchObject({ code: 'MISSING_PARAMETER' });
    expect(await run(stranger.graph, 'importMappings', { enterpriseSid })).toMatchObject({ code: 'ENTERPRISE_NOT_FOUND' });
    const { mappingImport } = await run(provider.graph, 'importMappings', { enterpriseSid });
    expect(await run(stranger.graph, 'runMappingImport', { sid: mappingImport.sid })).toMatchObject({ code: 'IMPORT_NOT_FOUND' });
    expect(await run(provider.graph, 'runMappingImport', { sid: mappingImport.sid })).toMatchObject({ code: 'IMPORT_NOT_READY' });
    expect(await stateOf(mappingImport.sid, stranger.graph)).toBeNull();
    expect((await stranger.graph('{ mappingImports { sid } }')).data.mappingImports).toEqual([]);
    expect((await provider.graph('{ mappingImports(first: 1) { sid } }')).data.mappingImports).toEqual([{ sid: mappingImport.sid }]);
  });

  test('its link is refused if it is changed, expired, or its credentials have ended', async () => {
    const { account, authToken } = await createAccount(gateway.gateway, {
      organization: { sid: provider.organizationSid },
      email: fresh.email(),
    });
    const { mappingImport, uploadUrl } = await run(
      graphClient(gateway.fetch, { user: account.sid, password: authToken }),
      'importMappings',
      {
        enterpriseSid,
      },
    );
    const file = csv(rows(1));
    const at = uploadUrl.length - 5;
    const changed = `${uploadUrl.slice(0, at)}${uploadUrl[at] === 'a' ? 'b' : 'a'}${uploadUrl.slice(at + 1)}`;
    expect(await upload(changed, file)).toMatchObject({ status: 404 });
    expect(await upload(uploadUrl.replace('/imports/', '/exports/'), file)).toMatchObject({ status: 405 });
    expect(await upload(uploadUrl, file, 'DELETE')).toMatchObject({ status: 405 });
    const { prisma } = gateway.database;
    await prisma.mappingImport.update({ where: { sid: mappingImport.sid }, data: { dateExpires: new Date() } });
    expect(await upload(uploadUrl, file)).toMatchObject({ status: 404 });
    await prisma.mappingImport.update({ where: { sid: mappingImport.sid }, data: { dateExpires: new Date(Date.now() + 60_000) } });
    await provider.graph(`mutation { suspendAccount(input: { sid: "${account.sid}" }) { __typename } }`);
    expect(await upload(uploadUrl, file)).toMatchObject({ status: 404 });
    expect(await stateOf(mappingImport.sid)).toMatchObject({ status: 'AWAITING_UPLOAD', rows: [] });
  });

  test('an enterprise’s admin imports into its enterprise, if the organization has opted in', async () => {
    // An account that the gateway creates, so that its password is here.
    const other = newEnterprise({ enterpriseAdmin: { email: `${fresh.key()}@created.example`, password: 'a-long-password' } });
    const { sid, admin } = await done(provider, 'createEnterprise', other);
    const graph = graphClient(gateway.fetch, { user: admin.sid, password: (other.enterpriseAdmin as { password: string }).password });
    expect(await run(graph, 'importMappings', { enterpriseSid: sid })).toMatchObject({ code: 'FORBIDDEN', feature: 'ADMIN_IMPORT' });
    await provider.graph('mutation { updateOrganization(input: { features: [ADMIN_IMPORT] }) { __typename } }');
    expect((await run(graph, 'importMappings', { enterpriseSid })).code).toBe('ENTERPRISE_NOT_FOUND');
    const { mappingImport, uploadUrl } = await run(graph, 'importMappings', { enterpriseSid: sid });
    await upload(uploadUrl, csv(rows(1)));
    world.runner = startImports(gateway.gateway, { everyMs: 20 });
    await reaches(mappingImport.sid, 'CHECKED');
    await provider.graph('mutation { updateOrganization(input: { features: [] }) { __typename } }');
    expect((await run(graph, 'runMappingImport', { sid: mappingImport.sid })).code).toBe('FORBIDDEN');
    await provider.graph('mutation { updateOrganization(input: { features: [ADMIN_IMPORT] }) { __typename } }');
    await run(graph, 'runMappingImport', { sid: mappingImport.sid });
    await reaches(mappingImport.sid, 'COMPLETED');
    const [created] = await mappingsOf(sid);
    const [record] = await gateway.database.prisma.auditLog.findMany({ where: { targetSid: created?.sid } });
    expect(record).toMatchObject({ action: 'mapping.create', adminSid: admin.sid });
  });

  test('is deleted after 30 days, with its rows', async () => {
    const { mappingImport, uploadUrl } = await run(provider.graph, 'importMappings', { enterpriseSid });
    await upload(uploadUrl, csv(rows(1)));
    const { prisma } = gateway.database;
    const aged = (days: number) =>
      prisma.mappingImport.update({
        where: { sid: mappingImport.sid },
        data: { status: 'CHECKED', dateCreated: new Date(Date.now() - days * 86_400_000) },
      });
    await aged(29);
    await purgeImports(prisma);
    expect(await stateOf(mappingImport.sid)).not.toBeNull();
    await aged(31);
    await purgeImports(prisma);
    expect(await stateOf(mappingImport.sid)).toBeNull();
    expect(await prisma.mappingImportRow.count({ where: { importSid: mappingImport.sid } })).toBe(0);
  });
});
