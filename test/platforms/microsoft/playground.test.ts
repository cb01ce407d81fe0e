import { describe, expect, test } from 'vitest';
import { configuredUrls, connectPlatforms } from '../../../src/platforms/connect.ts';
import { createPlaygroundVerifier, isFromPlayground } from '../../../src/platforms/microsoft/playground.ts';
import { createTestGateway } from '../../support/gateway.ts';

const HEADERS = { host: 'localhost:4000', 'x-ms-agents-playground': 'true' };
const ask = (headers: Record<string, string | undefined>, url = 'http://localhost:4000/api/messages') =>
  new Request(url, {
    method: 'POST',
    headers: Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
  });

describe('a request is accepted as the playground’s', () => {
  test.each(['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'])('from %s', (address) => {
    expect(isFromPlayground(ask(HEADERS), address)).toBe(true);
  });

  test.each(['10.0.0.1', '::ffff:10.0.0.1', '192.0.2.127', '::', '::2', '', undefined])('but not from %s', (address) => {
    expect(isFromPlayground(ask(HEADERS), address)).toBe(false);
  });

  test.each<[string, Record<string, string | undefined>]>([
    ['without the playground’s header', { 'x-ms-agents-playground': undefined }],
    ['with another value of it', { 'x-ms-agents-playground': 'false' }],
    ['from a browser', { origin: 'http://localhost:4000' }],
    ['that a proxy passed on', { 'x-forwarded-for': '127.0.0.1' }],
    ['that a proxy passed on by the standard', { forwarded: 'for=127.0.0.1' }],
  ])('but not one %s', (_what, headers) => {
    expect(isFromPlayground(ask({ ...HEADERS, ...headers }), '127.0.0.1')).toBe(false);
  });

  test('but not one to a host name that resolves to this machine', () => {
    expect(isFromPlayground(ask(HEADERS, 'http://rebound.example:4000/api/messages'), '127.0.0.1')).toBe(false);
  });
});

describe('an activity of the playground', () => {
  const verifier = createPlaygroundVerifier({ url: 'http://localhost:56150', isKnownAudience: async (id) => id === 'a-bot' });
  const serviceUrl = 'http://localhost:56150/_connector';

  test.each(['a-bot', '28:a-bot'])('is for the bot named by %s', async (id) => {
    await expect(verifier.verify(undefined, { serviceUrl, recipient: { id } } as object)).resolves.toMatchObject({
      applicationId: 'a-bot',
    });
  });

  test.each<[string, string, object]>([
    ['another bot', 'audience', { serviceUrl, recipient: { id: 'another' } }],
    ['no bot', 'audience', { serviceUrl }],
    ['another connector', 'service-url', { serviceUrl: 'http://localhost:56151/_connector', recipient: { id: 'a-bot' } }],
    ['a connector elsewhere', 'service-url', { serviceUrl: 'https://smba.trafficmanager.net/teams/', recipient: { id: 'a-bot' } }],
  ])('that names %s is refused', async (_what, reason, activity) => {
    await expect(verifier.verify(undefined, activity)).rejects.toMatchObject({ name: 'BotFrameworkRefusal', reason });
  });
});

describe('the bot endpoint', () => {
  const activity = {
    type: 'typing',
    serviceUrl: 'http://localhost:56150/_connector',
    channelId: 'msteams',
    from: { id: 'a' },
    conversation: { id: 'b' },
  };

  test('uses the address of the connection, not the one that a proxy reports', async () => {
    const verifier = createPlaygroundVerifier({ url: 'http://localhost:56150', isKnownAudience: async () => true });
    const { app, close } = await createTestGateway({ botFramework: verifier, access: { playground: true } });
    const status = async (peer: object) =>
      (await app.fetch(new Request(ask(HEADERS), { body: JSON.stringify({ ...activity, recipient: { id: 'c' } }) }), peer)).status;
    expect(await status({ remoteAddress: '192.0.2.1', socketAddress: '127.0.0.1' })).toBe(200);
    expect(await status({ remoteAddress: '127.0.0.1', socketAddress: '192.0.2.1' })).toBe(403);
    expect(await status({ remoteAddress: '127.0.0.1' })).toBe(403);
    await close();
  });
});

describe('PLAYGROUND_URL', () => {
  const connectTo = (url: string) =>
    connectPlatforms({ settings: { playground: { url } }, report: () => {}, isKnownAudience: async () => true });

  test.each(['http://localhost:56150', 'http://127.0.0.1:5000/', 'http://[::1]:5000'])('may be %s', (url) => {
    expect(connectTo(url).botFramework).toBeDefined();
    const isConfigured = configuredUrls({ playground: { url } });
    const { port } = new URL(url);
    expect(isConfigured(new URL(`http://localhost:${port}/_connector/v3/conversations`))).toBe(true);
    expect(isConfigured(new URL('http://localhost:4999/'))).toBe(false);
    expect(isConfigured(new URL(`http://10.0.0.1:${port}/`))).toBe(false);
  });

  test.each(['http://playground.example:56150', 'https://localhost:56150', 'http://10.0.0.1:56150', 'http://localhost.example'])(
    'may not be %s',
    (url) => {
      expect(() => connectTo(url)).toThrow(
        expect.objectContaining({ name: 'SettingsError', message: expect.stringMatching(/^PLAYGROUND_URL is invalid/) }),
      );
    },
  );
});
