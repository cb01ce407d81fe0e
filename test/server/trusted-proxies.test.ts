import { connect } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { listen } from '../../src/server/server.ts';
import { createAddressOf, isTrustProxy, type TrustProxy } from '../../src/server/trusted-proxies.ts';

const PROXY = '10.0.0.7';
const CLIENT = '198.51.100.9';
/** What somebody writes into the header before any proxy does. */
const claims = fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), fc.constant('')), { maxLength: 5 }).map((list) => list.join(','));
const listed = (claimed: string, ...appended: string[]) => [...(claimed === '' ? [] : [claimed]), ...appended].join(', ');

describe('the client’s address', () => {
  test('is the connection’s other end if no proxy is trusted, whatever the headers say', () => {
    fc.assert(
      fc.property(claims, (claimed) => {
        expect(createAddressOf()(CLIENT, claimed)).toBe(CLIENT);
        expect(createAddressOf(['192.0.2.0/24'])(CLIENT, claimed)).toBe(CLIENT);
      }),
    );
  });

  test.each<[TrustProxy, string[]]>([
    [1, []],
    [2, ['10.0.0.6']],
    [['10.0.0.0/8'], ['10.0.0.6', '10.9.9.9']],
    [
      ['10.0.0.0/8', 'fd00::/8'],
      ['fd00::1', '10.0.0.6'],
    ],
    [[PROXY], []],
  ])('is the one that the trusted proxies (%j) report, whatever the client adds before it', (trust, between) => {
    fc.assert(
      fc.property(claims, (claimed) => {
        expect(createAddressOf(trust)(PROXY, listed(claimed, CLIENT, ...between))).toBe(CLIENT);
      }),
    );
  });

  test('is read in each of its notations', () => {
    const addressOf = createAddressOf(1);
    for (const written of [CLIENT, ` ${CLIENT}`, `${CLIENT}:4711`, `::ffff:${CLIENT}`, `::FFFF:${CLIENT}`])
      expect(addressOf(PROXY, written)).toBe(CLIENT);
    for (const written of ['2001:db8::1', '[2001:db8::1]', '[2001:db8::1]:4711']) expect(addressOf(PROXY, written)).toBe('2001:db8::1');
    expect(addressOf(`::ffff:${PROXY}`, undefined)).toBe(PROXY);
    expect(createAddressOf([PROXY])(`::ffff:${PROXY}`, CLIENT)).toBe(CLIENT);
  });

  test('is the last known one if a trusted proxy reports none, or no valid address', () => {
    const addressOf = createAddressOf(1);
    for (const written of [undefined, '', 'unknown', `${CLIENT},`, `${CLIENT}, _hidden`, '1.2.3', '1.2.3.4.5'])
      expect(addressOf(PROXY, written)).toBe(PROXY);
    expect(createAddressOf(2)(PROXY, CLIENT)).toBe(CLIENT);
    expect(addressOf(undefined, CLIENT)).toBeUndefined();
  });
});

test('TRUST_PROXY accepts a number of proxies, or their addresses', () => {
  for (const text of ['1', '10', '10.0.0.0/8', '10.0.0.1', '10.0.0.0/8, 2001:db8::/32, ::1']) expect(isTrustProxy(text), text).toBe(true);
  for (const text of ['0', '11', '-1', 'true', 'loopback', '10.0.0.0/33', '10.0.0/8', '::1/129', '10.0.0.0/8/8', '10.0.0.0/', '*'])
    expect(isTrustProxy(text), text).toBe(false);
});

test('a server passes the address from its trusted proxy to its app, for requests and upgrades, in any number of headers', async () => {
  const listener = await listen((_request, peer) => Response.json(peer), { host: '127.0.0.1', port: 0, trustProxy: ['127.0.0.1'] });
  try {
    const upgrade = new Promise((resolve) => {
      listener.server.on('upgrade', (request, socket) => {
        resolve(listener.addressOf(request));
        socket.end();
      });
    });
    const headers = 'X-Forwarded-For: 192.0.2.99\r\nX-Forwarded-For: 198.51.100.9\r\n';
    const send = (lines: string) =>
      new Promise<string>((resolve) => {
        let text = '';
        const socket = connect(listener.port, '127.0.0.1', () => socket.write(`GET / HTTP/1.1\r\nHost: a\r\n${headers}${lines}\r\n`));
        socket.on('data', (chunk) => {
          text += chunk;
        });
        socket.on('close', () => resolve(text));
      });
    expect(await send('Connection: close\r\n')).toContain('"remoteAddress":"198.51.100.9"');
    await send('Connection: Upgrade\r\nUpgrade: websocket\r\n');
    expect(await upgrade).toBe('198.51.100.9');
  } finally {
    await listener.drain(1000);
  }
});
