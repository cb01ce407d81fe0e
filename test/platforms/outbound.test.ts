import type { LookupAddress } from 'node:dns';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectPlatforms } from '../../src/platforms/connect.ts';
import { createOutbound, ForbiddenAddressError, type Lookup } from '../../src/platforms/outbound.ts';
import { isPublicAddress } from '../../src/platforms/public-addresses.ts';
import { NoResponseError, request } from '../../src/platforms/request.ts';
import { type FakeMicrosoft, startFakeMicrosoft } from '../fakes/microsoft.ts';

let server: Server;
let port: number;
let arrived: IncomingMessage[] = [];
let connections = 0;

beforeAll(async () => {
  server = createServer((incoming, response) => {
    arrived.push(incoming);
    if (incoming.url === '/away') response.writeHead(302, { location: `http://elsewhere.test:${port}/` }).end();
    else response.end('here');
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
beforeEach(() => {
  arrived = [];
  connections = 0;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** Names that answer one list of addresses after another, the last for good. */
function names(answers: Record<string, readonly (readonly string[])[]>): Lookup & { asked: string[] } {
  const asked: string[] = [];
  const turns = new Map<string, number>();
  const lookup: Lookup = (hostname, _options, callback) => {
    asked.push(hostname);
    const lists = answers[hostname] ?? [[]];
    const turn = turns.get(hostname) ?? 0;
    turns.set(hostname, turn + 1);
    const addresses = lists[Math.min(turn, lists.length - 1)] ?? [];
    callback(
      null,
      addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  return Object.assign(lookup, { asked });
}

const outside = (lookup: Lookup, mayConnect?: (address: string) => boolean) =>
  createOutbound({ isConfigured: () => false, lookup, mayConnect });
const textOf = async ({ body }: { body: AsyncIterable<Uint8Array> | null }) => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body ?? []) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
};
const refusal = async (asking: Promise<unknown>) => {
  const error = await asking.then(
    () => undefined,
    (reason: Error) => reason,
  );
  return error?.cause;
};

describe('a URL from outside is not fetched', () => {
  const spelled = ['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0x7f.0.0.1', '017700000001', '0177.0.0.1', '0', '[::1]', '[::]'];
  const mapped = ['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[64:ff9b::127.0.0.1]', '[::127.0.0.1]', '[fd00::1]', '[fe80::1]'];
  const elsewhere = [
    '10.0.0.1',
    '172.16.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '168.63.129.16',
  ];
  test.each([...spelled, ...mapped, ...elsewhere])('from %s, written into it', async (host) => {
    const lookup = names({});
    expect(await refusal(outside(lookup)(`http://${host}:${port}/`))).toBeInstanceOf(ForbiddenAddressError);
    expect(connections).toBe(0);
  });

  test.each([['127.0.0.1'], ['::1'], ['::ffff:127.0.0.1'], ['10.1.2.3'], ['169.254.169.254'], ['fd12::1'], ['64:ff9b::a00:1']])(
    'by a name that resolves to %s',
    async (address) => {
      const lookup = names({ 'inside.test': [[address]] });
      expect(await refusal(outside(lookup)(`http://inside.test:${port}/`))).toBeInstanceOf(ForbiddenAddressError);
      expect([lookup.asked, connections]).toEqual([['inside.test'], 0]);
    },
  );

  test('if a redirect leads to it: none is followed', async () => {
    const lookup = names({ 'public.test': [['127.0.0.1']], 'elsewhere.test': [['127.0.0.1']] });
    const answer = await outside(lookup, () => true)(`http://public.test:${port}/away`);
    expect([answer.status, arrived.map(({ url }) => url), lookup.asked]).toEqual([302, ['/away'], ['public.test']]);
    const own = createOutbound({ isConfigured: () => true });
    expect((await own(`http://127.0.0.1:${port}/away`)).status).toBe(302);
    expect(arrived).toHaveLength(2);
  });
});

test('the address that is checked is the one that is connected to: a name that changes its answer gains nothing', async () => {
  // Were it looked up again after the check, the second answer would be connected to.
  const lookup = names({ 'rebinding.test': [['127.0.0.1'], ['127.0.0.2']] });
  const checked: string[] = [];
  const answer = await outside(lookup, (address) => checked.push(address) > 0)(`http://rebinding.test:${port}/`);
  expect(await textOf(answer)).toBe('here');
  expect([lookup.asked, checked, arrived[0]?.socket.localAddress]).toEqual([['rebinding.test'], ['127.0.0.1'], '127.0.0.1']);

  const turning = names({ 'turning.test': [['192.0.2.1'], ['127.0.0.1']] });
  for (let turn = 0; turn < 3; turn += 1)
    expect(await refusal(outside(turning)(`http://turning.test:${port}/`))).toBeInstanceOf(ForbiddenAddressError);
  expect(connections).toBe(1);
});

test('of a name with addresses of both kinds, only the public ones are connected to', async () => {
  const lookup = names({ 'mixed.test': [['10.0.0.1', '127.0.0.1']] });
  const answer = await outside(lookup, (address) => address === '127.0.0.1')(`http://mixed.test:${port}/`);
  expect(await textOf(answer)).toBe('here');
});

test('the operator’s own addresses may be anywhere, but no others at their host', async () => {
  const own = createOutbound({ isConfigured: ({ origin }) => origin === `http://127.0.0.1:${port}` });
  expect(await textOf(await own(`http://127.0.0.1:${port}/`))).toBe('here');
  expect(await refusal(own(`http://127.0.0.1:${port + 1}/`))).toBeInstanceOf(ForbiddenAddressError);
});

test('a refused request is never sent, and the message names only the host', async () => {
  const asking = request(outside(names({ 'inside.test': [['127.0.0.1']] })), `http://inside.test:${port}/a-secret`, { timeoutMs: 5_000 });
  const error = await asking.catch((reason: NoResponseError) => reason);
  expect(error).toBeInstanceOf(NoResponseError);
  expect(error).toMatchObject({
    ...{ code: 'Unreachable', sent: false },
    message: `inside.test:${port} cannot be reached (ERR_ADDRESS_FORBIDDEN).`,
  });
});

describe('a public address', () => {
  const address4 = fc.ipV4();
  const mappedOf = (address: string) => `::ffff:${address}`;
  test('is the same in each of its IPv6 notations', () => {
    fc.assert(
      fc.property(address4, (address) => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        for (const carried of [mappedOf(address), `::ffff:${hex}`, `64:ff9b::${address}`, `64:ff9b::${hex}`, `0:0:0:0:0:FFFF:${hex}`])
          expect(isPublicAddress(carried), carried).toBe(isPublicAddress(address));
      }),
    );
  });

  test('is not in a private, local or reserved network, from its first address to its last', () => {
    for (const address of [
      ...['0.0.0.0', '0.255.255.255', '10.0.0.0', '10.255.255.255', '100.64.0.0', '100.127.255.255', '127.0.0.0', '127.255.255.255'],
      ...[
        '169.254.0.0',
        '169.254.255.255',
        '172.16.0.0',
        '172.31.255.255',
        '192.168.0.0',
        '192.168.255.255',
        '198.18.0.0',
        '198.19.255.255',
      ],
      ...['224.0.0.0', '239.255.255.255', '240.0.0.0', '255.255.255.255', '::', '::1', '::a00:1', 'fc00::', 'fdff::1', 'fe80::', 'febf::1'],
      ...[
        'fec0::1',
        'ff02::1',
        '2001::1',
        '2001:db8::1',
        '2002:7f00:1::',
        '3fff::1',
        '64:ff9b:1::1',
        '100::1',
        'fe80::1%eth0',
        '64:ff9b::',
        'name',
      ],
    ])
      expect(isPublicAddress(address), address).toBe(false);
  });

  test('is every other', () => {
    for (const address of ['1.0.0.0', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0'])
      expect(isPublicAddress(address), address).toBe(true);
    for (const address of [
      '172.15.255.255',
      '172.32.0.0',
      '223.255.255.255',
      '2600::1',
      '2a00:1450::1',
      '64:ff9b::808:808',
      '2001:4860::8888',
    ])
      expect(isPublicAddress(address), address).toBe(true);
  });
});

describe('the platforms', () => {
  let microsoft: FakeMicrosoft;
  beforeAll(async () => {
    microsoft = await startFakeMicrosoft();
  });
  afterAll(() => microsoft.close());

  test('never get a bot’s token at an allowed host name that resolves to an internal address', async () => {
    const bot = microsoft.addBot();
    const lookup = names({ 'smba.inside.test': [['127.0.0.1']] });
    const { microsoft: connected } = connectPlatforms({
      settings: { microsoft: { ...microsoft.settings, serviceHosts: [...microsoft.settings.serviceHosts, `*.inside.test:${port}`] } },
      report: () => {},
      isKnownAudience: async () => true,
      lookup,
    });
    const conversation = { serviceUrl: `https://smba.inside.test:${port}/`, conversationId: 'a' };
    await expect(connected.sendActivity(bot, conversation, 'Hello')).rejects.toMatchObject({ outcome: 'retry', code: 'Unreachable' });
    expect([lookup.asked, connections]).toEqual([['smba.inside.test'], 0]);
  });

  test('are reached at the addresses in the operator’s settings, even on this machine', async () => {
    const bot = microsoft.addBot();
    const { microsoft: connected } = connectPlatforms({
      settings: { microsoft: microsoft.settings },
      report: () => {},
      isKnownAudience: async () => true,
    });
    expect((await connected.verifyBot(bot)).map(({ passed }) => passed)).toEqual([true, true, true, true]);
  });
});
