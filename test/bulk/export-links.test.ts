import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { createAccount } from '../../src/domain/access/accounts.ts';
import { purgeExports } from '../../src/domain/bulk/exports.ts';
import { done, fresh, newEnterprise } from '../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';
import { graphClient } from '../support/graph.ts';
import { exportWorld } from './export-world.ts';

const world = exportWorld();
const { link, download } = world;
let gateway: TestGateway;
let provider: Provider;
beforeAll(() => {
  ({ gateway } = world);
  ({ provider } = world.owner);
});

describe('a link', () => {
  test('is refused if it is changed in any character, expired, or for another method', async () => {
    const { url, exportSid } = await link(provider.graph, 'exportMessages');
    const token = url.slice(url.lastIndexOf('/') + 1) as string;
    for (let at = 0; at < token.length; at += 3) {
      const letter = token[at] === 'a' ? 'b' : 'a';
      expect((await download(url.replace(token, `${token.slice(0, at)}${letter}${token.slice(at + 1)}`))).status, String(at)).toBe(404);
    }
    for (const bad of ['', 'x', `${token}.x`, token.slice(0, -1), encodeURIComponent('\0')]) {
      expect((await download(`http://gateway.test/exports/${bad}`)).status).toBe(404);
    }
    expect((await download(url, 'POST')).status).toBe(405);
    expect((await download(url)).status).toBe(200);
    await gateway.database.prisma.dataExport.update({ where: { sid: exportSid }, data: { dateExpires: new Date() } });
    const { status, text } = await download(url);
    expect([status, JSON.parse(text).message]).toEqual([404, expect.stringContaining('expired')]);
  });

  test('is refused by a gateway with another key', async () => {
    const elsewhere = await createTestGateway({ database: { ...gateway.database, close: async () => {} } });
    const { url } = await link(provider.graph, 'exportMessages');
    expect((await elsewhere.fetch(new Request(url))).status).toBe(404);
    elsewhere.app.drain();
  });

  test('ends with the credentials that asked for it', async () => {
    const { account, authToken } = await createAccount(gateway.gateway, {
      organization: { sid: provider.organizationSid },
      email: fresh.email(),
    });
    const colleague = graphClient(gateway.fetch, { user: account.sid, password: authToken });
    const { url } = await link(colleague, 'exportMessages');
    const { data } = await colleague(
      'mutation { made: createAccessToken(input: { expiresIn: 60, permissions: [READ, WRITE] }) { ... on CreateAccessTokenSuccess { token accessToken { sid } } } }',
    );
    const byToken = await link(graphClient(gateway.fetch, { token: data.made.token }), 'exportMessages');
    expect(Date.parse(byToken.dateExpires) - Date.now()).toBeLessThanOrEqual(60_000);
    expect([(await download(url)).status, (await download(byToken.url)).status]).toEqual([200, 200]);
    await colleague(`mutation { revokeAccessToken(input: { sid: "${data.made.accessToken.sid}" }) { __typename } }`);
    expect([(await download(url)).status, (await download(byToken.url)).status]).toEqual([200, 404]);
    await provider.graph(`mutation { rotateAccountToken(input: { sid: "${account.sid}" }) { __typename } }`);
    expect((await download(url)).status).toBe(404);
  });

  test('of an admin ends when the organization opts out', async () => {
    const of = newEnterprise();
    const { admin } = await done(provider, 'createEnterprise', of);
    const choose = (features: string) => provider.graph(`mutation { updateOrganization(input: { features: ${features} }) { __typename } }`);
    await choose('[ADMIN_EXPORT]');
    const graph = graphClient(gateway.fetch, { user: admin.sid, password: (of.enterpriseAdmin as { password: string }).password });
    const { url } = await link(graph, 'exportMessages');
    expect((await download(url)).status).toBe(200);
    await choose('[]');
    expect((await download(url)).status).toBe(404);
  });

  test('of an admin goes on through an upgrade from a version that knew no links of admins with users of Entra', async () => {
    const of = newEnterprise();
    const { sid: enterpriseSid, admin } = await done(provider, 'createEnterprise', of);
    await provider.graph('mutation { updateOrganization(input: { features: [ADMIN_EXPORT] }) { __typename } }');
    const graph = graphClient(gateway.fetch, { user: admin.sid, password: (of.enterpriseAdmin as { password: string }).password });
    const { url, exportSid } = await link(graph, 'exportMessages');
    const { prisma } = gateway.database;
    const { accountSid, passwordHash } = await prisma.enterpriseAdmin.findUniqueOrThrow({ where: { enterpriseSid } });
    // As that version stored it.
    const credentialDigest = createHash('sha256').update(`${accountSid}:${passwordHash}`).digest('base64');
    await prisma.dataExport.update({ where: { sid: exportSid }, data: { credentialDigest } });
    expect((await download(url)).status).toBe(200);
  });

  test('is kept for a day after it has expired', async () => {
    const { exportSid } = await link(provider.graph, 'exportMessages');
    const { prisma } = gateway.database;
    await prisma.dataExport.update({ where: { sid: exportSid }, data: { dateExpires: new Date(Date.now() - 23 * 60 * 60_000) } });
    await purgeExports(prisma);
    expect(await prisma.dataExport.count({ where: { sid: exportSid } })).toBe(1);
    await prisma.dataExport.update({ where: { sid: exportSid }, data: { dateExpires: new Date(Date.now() - 25 * 60 * 60_000) } });
    await purgeExports(prisma);
    expect(await prisma.dataExport.count({ where: { sid: exportSid } })).toBe(0);
  });
});
