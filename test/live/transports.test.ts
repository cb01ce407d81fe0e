import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rotateToken, suspendAccount } from '../../src/domain/access/accounts.ts';
import { encodeEventCursor } from '../../src/domain/events/event-cursor.ts';
import { headOf, trimEvents } from '../../src/domain/events/events.ts';
import { committed, createLiveGateway, createSender, type LiveGateway, type Sender } from '../support/live.ts';
import type { Reader } from '../support/reader.ts';
import { authorizationOf, MESSAGE_EVENTS, MESSAGE_STATUS, type Transport, transports } from '../support/transports.ts';

let gateway: LiveGateway;
beforeAll(async () => {
  gateway = await createLiveGateway({ live: { pollMs: 200, idleMs: 300 } });
});
afterAll(() => gateway.close());

const sender = async () => createSender(gateway, await gateway.provider());
/** The statuses of a stream's updates. One that comes again, as a sign of life, counts once. */
const changesOf = (updates: readonly { readonly status?: string }[]) =>
  updates.map(({ status }) => status).filter((status, index, all) => status !== all[index - 1]);
const streamsAreGone = () => expect.poll(() => gateway.live.streams, { timeout: 2000 }).toBe(0);

describe.each(transports.map((transport) => [transport.name, transport] as const))('over %s', (_name, transport: Transport) => {
  const open: Reader[] = [];
  const subscribe = (from: Sender, variables: Record<string, unknown> = {}, query = MESSAGE_EVENTS) => {
    const reader = transport.subscribe({ url: gateway.url, provider: from.provider }, query, variables);
    open.push(reader);
    return reader;
  };
  const resume = (from: Sender, cursor: string, variables?: Record<string, unknown>) => {
    const reader = transport.resume({ url: gateway.url, provider: from.provider }, cursor, variables);
    open.push(reader);
    return reader;
  };
  const closeAll = async () => {
    for (const reader of open.splice(0)) reader.close();
    await streamsAreGone();
  };

  test('a stream from now on begins with a bookmark of the head, then has every later event once and in order', async () => {
    const from = await sender();
    await from.send();
    const reader = subscribe(from);
    await reader.until(({ updates }) => updates.length > 0);
    expect(reader.updates[0]?.__typename).toBe('Bookmark');
    const sid = await from.send();
    await from.advance(sid, { status: 'SENT' });
    await from.advance(sid, { status: 'FAILED', errorCode: '30003', errorMessage: 'Unreachable' });
    expect(await reader.hasEvents(3)).toMatchObject([
      {
        status: 'QUEUED',
        previousStatus: null,
        errorCode: null,
        message: { sid, direction: 'INBOUND', mapping: { sid: from.mappingSid } },
      },
      { status: 'SENT', previousStatus: 'QUEUED' },
      { status: 'FAILED', previousStatus: 'SENT', errorCode: '30003', errorMessage: 'Unreachable' },
    ]);
    await closeAll();
  });

  test('a disconnected client continues after any cursor, even of a bookmark or the last event, and misses and repeats nothing', async () => {
    const from = await sender();
    const first = subscribe(from);
    await first.until(({ updates }) => updates.length > 0);
    const bookmark = first.updates[0]?.cursor as string;
    const sids = [await from.send(), await from.send(), await from.send()];
    const events = await first.hasEvents(3);
    first.close();
    await from.advance(sids[0] as string, { status: 'DELIVERED' });
    const log = await committed(gateway, from.provider);
    const positions: [string, number][] = [[bookmark, 0], ...events.map(({ cursor }, index): [string, number] => [cursor, index + 1])];
    for (const [cursor, position] of positions) {
      const reader = resume(from, cursor);
      await reader.hasEvents(log.length - position);
      expect(reader.log).toEqual(log.slice(position));
    }
    const atTheEnd = resume(from, (await resume(from, bookmark).hasEvents(4))[3]?.cursor as string);
    await atTheEnd.until(({ updates }) => updates.length > 0);
    await from.advance(sids[1] as string, { status: 'SENDING' });
    await atTheEnd.hasEvents(1);
    expect(atTheEnd.log).toEqual([`${sids[1]} SENDING`]);
    await closeAll();
  });

  test('joining a growing log, by replay and then live, misses and repeats nothing', async () => {
    const from = await sender();
    const before = subscribe(from);
    await before.until(({ updates }) => updates.length > 0);
    const beginning = before.cursor as string;
    let writing = true;
    const written = (async () => {
      while (writing) await Promise.all([from.send(), from.send(), from.send()]);
    })();
    const readers: Reader[] = [];
    for (let count = 1; count <= 10; count += 1) {
      await before.hasEvents(count * 12);
      readers.push(resume(from, beginning));
    }
    writing = false;
    await written;
    const log = await committed(gateway, from.provider);
    for (const reader of [before, ...readers]) {
      await reader.hasEvents(log.length);
      expect(reader.log).toEqual(log);
    }
    await closeAll();
  });

  test('each filter passes only the events that it names, and bookmarks move the cursor past the others', async () => {
    const from = await sender();
    const start = subscribe(from);
    await start.until(({ updates }) => updates.length > 0);
    const other = await createSender(gateway, from.provider);
    const mine = await from.send();
    const outbound = await from.send({ direction: 'OUTBOUND' });
    const theirs = await other.send();
    await from.advance(mine, { status: 'SENT' });
    await other.advance(theirs, { status: 'DELIVERED' });
    const log = await committed(gateway, from.provider);
    const cases: [Record<string, unknown>, string[]][] = [
      [{ enterpriseSids: [other.enterpriseSid] }, [`${theirs} QUEUED`, `${theirs} DELIVERED`]],
      [{ enterpriseSids: [other.enterpriseSid, from.enterpriseSid] }, log],
      [{ enterpriseSids: [] }, []],
      [{ mappingSid: from.mappingSid }, [`${mine} QUEUED`, `${outbound} QUEUED`, `${mine} SENT`]],
      [{ messageSid: outbound }, [`${outbound} QUEUED`]],
      [{ direction: 'OUTBOUND' }, [`${outbound} QUEUED`]],
      [{ statuses: ['SENT', 'DELIVERED'] }, [`${mine} SENT`, `${theirs} DELIVERED`]],
      [{ mappingSid: from.mappingSid, statuses: ['SENT'], direction: 'INBOUND' }, [`${mine} SENT`]],
    ];
    const all = await start.hasEvents(log.length);
    for (const [filter, expected] of cases) {
      const reader = resume(from, start.updates[0]?.cursor as string, { filter });
      await reader.until(({ cursor }) => cursor === all.at(-1)?.cursor);
      expect([filter, reader.log]).toEqual([filter, expected]);
    }
    await closeAll();
  });

  test('a stream may begin with the newest events that pass its filter, and misses and repeats nothing after them', async () => {
    const from = await sender();
    const sids = [await from.send(), await from.send(), await from.send()];
    await from.advance(sids[0] as string, { status: 'SENT' });
    const log = await committed(gateway, from.provider);
    const cases: [Record<string, unknown>, string[]][] = [
      [{ last: 0 }, []],
      [{ last: 1 }, log.slice(-1)],
      [{ last: 3 }, log.slice(-3)],
      [{ last: 100 }, log],
      [{ last: 2, filter: { statuses: ['QUEUED', 'DELIVERED'] } }, log.slice(1, 3)],
      [{ last: 5, filter: { messageSid: sids[0] } }, [log[0] as string, log[3] as string]],
    ];
    const readers = cases.map(([variables]) => subscribe(from, variables));
    for (const [index, [variables, expected]] of cases.entries()) {
      const reader = readers[index] as Reader;
      await reader.until(({ updates }) => updates.length > 0 && updates.length >= expected.length);
      expect([variables, reader.log]).toEqual([variables, expected]);
    }
    await from.advance(sids[0] as string, { status: 'DELIVERED' });
    for (const [index, [, expected]] of cases.entries()) {
      const reader = readers[index] as Reader;
      await reader.hasEvents(expected.length + 1);
      expect(reader.log).toEqual([...expected, `${sids[0]} DELIVERED`]);
    }
    const resumed = resume(from, readers[1]?.cursor as string, { last: 3 });
    const sid = await from.send();
    await resumed.hasEvents(1);
    expect(resumed.log).toEqual([`${sid} QUEUED`]);
    for (const last of [-1, 101]) {
      const refused = await subscribe(from, { last }).hasEnded();
      expect([refused.updates, refused.errorCode]).toEqual([[], 'INVALID_PARAMETER']);
    }
    await closeAll();
  });

  test('an idle stream gets bookmarks', async () => {
    const reader = subscribe(await sender());
    await reader.until(({ updates }) => updates.length >= 3);
    expect(new Set(reader.updates.map(({ __typename }) => __typename))).toEqual(new Set(['Bookmark']));
    await closeAll();
  });

  test.each([
    ['an invalid cursor', async () => 'nonsense'],
    ['a number beyond the log', async (from: Sender) => cursorAt(from, (await logOf(from)).seq + 1n)],
    ['another organization’s cursor', async () => cursorAt(await sender(), 0n)],
  ])('%s gets CURSOR_INVALID and ends', async (_what, cursorOf) => {
    const from = await sender();
    await from.send();
    const reader = await resume(from, await cursorOf(from)).hasEnded();
    expect([reader.updates, reader.errorCode, reader.ended === 'cut']).toEqual([[], 'CURSOR_INVALID', false]);
    await closeAll();
  });

  test('a cursor older than retention gets CURSOR_EXPIRED and ends; the cursor where retention stopped still works', async () => {
    const from = await sender();
    const first = await from.send();
    await from.send();
    const { organizationSid } = from.provider;
    await gateway.database.prisma.messageEvent.updateMany({
      where: { organizationSid, messageSid: first },
      data: { occurredAt: new Date(0) },
    });
    await trimEvents(gateway.database.prisma, 60_000);
    const expired = await resume(from, await cursorAt(from, 0n)).hasEnded();
    expect([expired.updates, expired.errorCode, expired.ended === 'cut']).toEqual([[], 'CURSOR_EXPIRED', false]);
    const reader = resume(from, await cursorAt(from, 1n));
    await reader.hasEvents(1);
    expect(reader.log).toEqual(await committed(gateway, from.provider));
    await closeAll();
  });

  test('messageStatus begins with the current status, follows it to the terminal one, and completes', async () => {
    const from = await sender();
    const sid = await from.send();
    await from.advance(sid, { status: 'SENDING' });
    const reader = subscribe(from, { sid }, MESSAGE_STATUS);
    await reader.until(({ updates }) => updates.length > 0);
    await from.send();
    await from.advance(sid, { status: 'SENT' });
    await from.advance(sid, { status: 'DELIVERED' });
    await reader.hasEnded();
    expect([reader.ended, changesOf(reader.updates)]).toEqual(['complete', ['SENDING', 'SENT', 'DELIVERED']]);
    const again = await subscribe(from, { sid }, MESSAGE_STATUS).hasEnded();
    expect([again.ended, again.updates.map(({ status }) => status)]).toEqual(['complete', ['DELIVERED']]);
    await closeAll();
  });

  test('messageStatus of a message whose events are past their retention still has its status', async () => {
    const from = await sender();
    const sid = await from.send();
    const { organizationSid } = from.provider;
    await gateway.database.prisma.messageEvent.updateMany({ where: { organizationSid }, data: { occurredAt: new Date(0) } });
    await trimEvents(gateway.database.prisma, 60_000);
    const reader = subscribe(from, { sid }, MESSAGE_STATUS);
    await reader.until(({ updates }) => updates.length > 0);
    await from.advance(sid, { status: 'FAILED' });
    await reader.hasEnded();
    expect(changesOf(reader.updates)).toEqual(['QUEUED', 'FAILED']);
    await closeAll();
  });

  test('messageStatus of another organization’s message is MESSAGE_NOT_FOUND', async () => {
    const sid = await (await sender()).send();
    const reader = await subscribe(await sender(), { sid }, MESSAGE_STATUS).hasEnded();
    expect([reader.updates, reader.errorCode]).toEqual([[], 'MESSAGE_NOT_FOUND']);
    await closeAll();
  });

  test('another organization’s events are never seen', async () => {
    const [mine, theirs] = [await sender(), await sender()];
    const reader = subscribe(mine, { filter: { enterpriseSids: [mine.enterpriseSid, theirs.enterpriseSid] } });
    await reader.until(({ updates }) => updates.length > 0);
    await theirs.send();
    const sid = await mine.send();
    await reader.hasEvents(1);
    expect(reader.log).toEqual([`${sid} QUEUED`]);
    await closeAll();
  });

  test('variables of the wrong type and unknown fields are refused before anything is opened', async () => {
    const from = await sender();
    const refused = [
      await subscribe(from, { filter: { statuses: ['LOST'] } }).hasEnded(),
      await subscribe(from, {}, 'subscription { messageEvents { nothing } }').hasEnded(),
    ];
    for (const { errors, updates } of refused) expect([errors.length > 0, updates]).toEqual([true, []]);
    expect(gateway.live.streams).toBe(0);
  });

  test('a client without the permission to read gets FORBIDDEN', async () => {
    const from = await sender();
    await gateway.database.prisma.account.update({ where: { sid: from.provider.accountSid }, data: { permissions: ['write'] } });
    // Nothing of the gateway's changes them, so nothing tells it.
    gateway.gateway.verified.drop(from.provider.accountSid);
    const reader = await subscribe(from).hasEnded();
    expect([reader.updates, reader.errorCode]).toEqual([[], 'FORBIDDEN']);
    expect(gateway.live.streams).toBe(0);
  });

  test.each([
    ['suspended', async (sid: string) => suspendAccount(gateway.database, sid)],
    ['given another token', async (sid: string) => rotateToken(gateway.gateway, sid)],
  ])('the streams of an account that is %s end within 5 s', async (_how, change) => {
    const from = await sender();
    const reader = subscribe(from);
    await reader.until(({ updates }) => updates.length > 0);
    const began = performance.now();
    await change(from.provider.accountSid);
    await reader.hasEnded();
    expect(performance.now() - began).toBeLessThan(5000);
    expect(transport.name.includes('ws') ? reader.code : reader.errorCode).toBe(transport.name.includes('ws') ? 4401 : 'UNAUTHENTICATED');
    await streamsAreGone();
  });
});

describe('a client that accepts event streams and JSON', () => {
  const URQL = 'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed';
  const ask = (provider: Sender['provider'], accept: string, body: object) =>
    fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { accept, authorization: authorizationOf(provider), 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  test('gets the results and errors of queries as JSON, with their status', async () => {
    const { provider } = await sender();
    const cases: [string, object, number, string][] = [
      [URQL, { query: '{ __typename }' }, 200, 'application/graphql-response+json'],
      [URQL, { query: '{ nope }' }, 400, 'application/graphql-response+json'],
      [URQL, { extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } }, 404, 'application/graphql-response+json'],
      ['text/event-stream;q=0.1, application/json', { query: '{ nope }' }, 200, 'application/json'],
      ['text/event-stream;q=0, application/json;q=0.1', { query: '{ __typename }' }, 200, 'application/json'],
    ];
    for (const [accept, body, status, type] of cases) {
      const response = await ask(provider, accept, body);
      expect([accept, body, response.status, response.headers.get('content-type')]).toEqual([
        accept,
        body,
        status,
        `${type}; charset=utf-8`,
      ]);
      const expected = JSON.stringify(body).includes('__typename') ? { data: { __typename: 'Query' } } : { errors: [expect.anything()] };
      expect(await response.json()).toEqual(expected);
    }
  });

  test('gets a stream where it prefers one, and for subscriptions', async () => {
    const { provider } = await sender();
    const preferred = await ask(provider, 'text/event-stream, application/json', { query: '{ __typename }' });
    expect(preferred.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(await preferred.text()).toContain('"__typename":"Query"');
    const subscription = await ask(provider, URQL, { query: 'subscription { messageEvents { __typename } }' });
    expect([subscription.status, subscription.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    await subscription.body?.cancel();
    await streamsAreGone();
    const query = 'subscription { messageEvents { __typename } }';
    const byGet = () =>
      fetch(`${gateway.url}/graphql?${new URLSearchParams({ query, variables: 'null', extensions: 'null' })}`, {
        headers: { accept: '*/*', authorization: authorizationOf(provider) },
      });
    for (const send of [() => ask(provider, '*/*', { query }), byGet]) {
      const anything = await send();
      expect([anything.status, anything.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
      await anything.body?.cancel();
      await streamsAreGone();
    }
    expect((await ask(provider, '*/*', { query: '{ __typename }' })).headers.get('content-type')).toMatch(/^application\/json/);
    const unacceptable = await ask(provider, 'application/json', { query: 'subscription { messageEvents { __typename } }' });
    expect(unacceptable.status).toBe(406);
  });
});

const logOf = ({ provider }: Sender) => headOf(gateway.database.prisma, provider.organizationSid);

async function cursorAt(from: Sender, seq: bigint): Promise<string> {
  return encodeEventCursor((await logOf(from)).logId, seq);
}
