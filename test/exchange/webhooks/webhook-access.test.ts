import { beforeAll, describe, expect, test } from 'vitest';
import type { WebhookReceiver } from '../../fakes/webhook-receiver.ts';
import { done, newEnterprise } from '../../parity/faces.ts';
import type { TestGateway } from '../../support/gateway.ts';
import { graphClient } from '../../support/graph.ts';
import { webhookWorld } from './webhook-world.ts';

const webhooks = webhookWorld();
const { mutate, register, shown, world } = webhooks;

let gateway: TestGateway;
let receiver: WebhookReceiver;
beforeAll(() => {
  ({ gateway, receiver } = webhooks);
});

describe('who may, and what', () => {
  test.each([
    ['http://example.com/hook'],
    ['https://user:password@example.com/hook'],
    ['https://example.com/hook#fragment'],
    ['ftp://example.com'],
    ['nonsense'],
  ])('%s is no URL of an endpoint', async (url) => {
    const provider = await gateway.provider();
    expect(await mutate(provider, 'createWebhookEndpoint', { url })).toMatchObject({ code: 'INVALID_PARAMETER', path: ['url'] });
  });

  test.each([
    ...[
      ['https://10.0.0.1/x'],
      ['https://127.0.0.1/a'],
      ['https://127.1/hook'],
      ['https://2130706433/'],
      ['https://169.254.169.254/latest'],
    ],
    ...[['https://localhost/x'], ['https://a.localhost./x'], ['https://[::1]/hook'], ['https://[::ffff:127.0.0.1]/x']],
  ])('%s is refused at once', async (url) => {
    const provider = await gateway.provider();
    const refused = { code: 'INVALID_PARAMETER', path: ['url'] };
    expect(await mutate(provider, 'createWebhookEndpoint', { url })).toMatchObject(refused);
    const { sid } = await register(provider);
    expect(await mutate(provider, 'updateWebhookEndpoint', { sid, url })).toMatchObject(refused);
  });

  test.each([['https://127.0.0.1/hook'], ['https://[::1]/hook'], ['https://169.254.169.254/latest'], ['https://localhost/hook']])(
    'nothing is sent to %s',
    async (url) => {
      const provider = await gateway.provider();
      const { sid } = await register(provider);
      // As a name may come to have such an address.
      await gateway.database.prisma.webhookEndpoint.update({ where: { sid }, data: { url } });
      expect(await mutate(provider, 'testWebhookEndpoint', { sid }, 'accepted error')).toEqual({
        ...{ accepted: false, error: expect.stringContaining('cannot be reached (ERR_ADDRESS_FORBIDDEN)') },
      });
    },
  );

  test('another organization sees and changes none', async () => {
    const [{ provider }, stranger] = [await world(), await gateway.provider()];
    const { sid } = await register(provider);
    expect(await shown(stranger, sid)).toBeNull();
    for (const name of ['updateWebhookEndpoint', 'rotateWebhookEndpointSecret', 'deleteWebhookEndpoint', 'testWebhookEndpoint'])
      expect(await mutate(stranger, name, { sid }, '__typename')).toMatchObject({ code: 'WEBHOOK_ENDPOINT_NOT_FOUND' });
    expect((await stranger.graph('{ webhookEndpoints { totalCount } }')).data.webhookEndpoints.totalCount).toBe(0);
    expect((await graphClient(gateway.fetch, { user: 'nobody', password: 'x' })('{ webhookEndpoints { totalCount } }')).status).toBe(401);
  });

  test('an access token creates none, but may delete one; its own enterprise is all that a narrowed one reaches', async () => {
    const { provider, from } = await world();
    const { sid } = await register(provider);
    const narrowed = await register(provider, { enterpriseSid: from.enterpriseSid });
    const { token } = await mutate(
      provider,
      'createAccessToken',
      { expiresIn: 600, permissions: ['READ', 'WRITE'], enterpriseSid: from.enterpriseSid },
      'token',
    );
    const browser = { graph: graphClient(gateway.fetch, { token }) };
    expect((await register(browser)).code).toBe('FORBIDDEN');
    expect([await shown(browser, sid), (await shown(browser, narrowed.sid)).sid]).toEqual([null, narrowed.sid]);
    expect(await mutate(browser, 'deleteWebhookEndpoint', { sid }, 'deletedId')).toMatchObject({ code: 'WEBHOOK_ENDPOINT_NOT_FOUND' });
    expect(await mutate(browser, 'deleteWebhookEndpoint', { sid: narrowed.sid }, 'deletedId')).toEqual({ deletedId: expect.any(String) });
    expect(await shown(provider, narrowed.sid)).toBeNull();
  });

  test('an admin steers none before the organization has opted in, not even those that the provider made for the enterprise', async () => {
    const provider = await gateway.provider();
    const made = newEnterprise();
    const { sid: enterpriseSid, admin } = await done(provider, 'createEnterprise', made);
    const { password } = made.enterpriseAdmin as { password: string };
    const asAdmin = { graph: graphClient(gateway.fetch, { user: admin.sid, password }) };
    const { sid } = await register(provider, { enterpriseSid });
    expect((await shown(asAdmin, sid)).sid).toBe(sid);
    const changes = [
      ['updateWebhookEndpoint', { sid, url: `${receiver.url}/elsewhere` }],
      ['updateWebhookEndpoint', { sid, enabled: false }],
      ['rotateWebhookEndpointSecret', { sid }],
      ['replayWebhookEndpoint', { sid, since: new Date(0) }],
    ] as const;
    for (const [name, input] of changes)
      expect(await mutate(asAdmin, name, input, '__typename')).toEqual({ code: 'FORBIDDEN', feature: 'ADMIN_EXPORT' });
    expect((await shown(provider, sid)).status).toBe('ACTIVE');
    await provider.graph('mutation { updateOrganization(input: { features: [ADMIN_EXPORT] }) { __typename } }');
    for (const [name, input] of changes)
      expect(await mutate(asAdmin, name, input, '__typename')).toMatchObject({ __typename: expect.stringMatching(/Success$/) });
  });

  test('there are at most a hundred', async () => {
    const { provider } = await world();
    const { sid } = await register(provider);
    const row = await gateway.database.prisma.webhookEndpoint.findUniqueOrThrow({ where: { sid } });
    await gateway.database.prisma.webhookEndpoint.createMany({
      data: Array.from({ length: 99 }, (_, n) => ({ ...row, sid: `WH${String(n).padStart(32, '0')}` })),
    });
    expect((await register(provider)).code).toBe('TOO_MANY_WEBHOOK_ENDPOINTS');
    await gateway.database.prisma.webhookEndpoint.deleteMany({ where: { organizationSid: provider.organizationSid } });
  });
});
