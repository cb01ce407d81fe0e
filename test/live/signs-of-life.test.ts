import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schema } from '../../schema/index.ts';
import { newSid } from '../../src/domain/values/sid.ts';
import { createLiveGateway, createSender, type LiveGateway, type Sender } from '../support/live.ts';
import { MESSAGE_EVENTS, MESSAGE_STATUS, type Transport, transports } from '../support/transports.ts';

// Comments and pings keep connections open, but scripts do not see them: each subscription shows that it is alive by updates, too.

let gateway: LiveGateway;
let from: Sender;
beforeAll(async () => {
  gateway = await createLiveGateway({ live: { pollMs: 100, idleMs: 200 } });
  from = await createSender(gateway, await gateway.provider());
});
afterAll(() => gateway.close());

async function storeImport(): Promise<string> {
  const { organizationSid, accountSid } = from.provider;
  const sid = newSid('IM');
  const row = { sid, organizationSid, accountSid, enterpriseSid: from.enterpriseSid, status: 'AWAITING_UPLOAD', requestId: 'request' };
  await gateway.database.prisma.mappingImport.create({ data: { ...row, dateExpires: new Date(Date.now() + 600_000) } });
  return sid;
}

interface Silent {
  readonly document: string;
  /** The sid of what changes no more. */
  readonly sid?: () => Promise<string>;
  /** What comes while nothing happens. */
  readonly sign: object;
}
const subscriptions: Readonly<Record<string, Silent>> = {
  messageEvents: { document: MESSAGE_EVENTS, sign: { __typename: 'Bookmark' } },
  messageStatus: { document: MESSAGE_STATUS, sid: () => from.send(), sign: { status: 'QUEUED' } },
  mappingImport: {
    document: 'subscription ($sid: ID!) { mappingImport(sid: $sid) { status counts { valid } } }',
    sid: storeImport,
    sign: { status: 'AWAITING_UPLOAD', counts: { valid: 0 } },
  },
  botHealth: { document: 'subscription { botHealth { hasMore bots { sid } } }', sign: { hasMore: false, bots: [] } },
};

test('are known of every subscription', () => {
  expect(Object.keys(subscriptions).sort()).toEqual(Object.keys(schema.getSubscriptionType()?.getFields() ?? {}).sort());
});

describe.each(transports.map((transport) => [transport.name, transport] as const))('over %s', (_name, transport: Transport) => {
  test.each(Object.entries(subscriptions))(
    '%s goes on with updates while nothing happens',
    async (_subscription, { document, sid, sign }) => {
      const reader = transport.subscribe({ url: gateway.url, provider: from.provider }, document, sid ? { sid: await sid() } : {});
      await reader.until(({ updates, errors }) => updates.length >= 4 || errors.length > 0);
      expect(reader.errors).toEqual([]);
      expect(reader.updates.slice(0, 4)).toMatchObject([sign, sign, sign, sign]);
      reader.close();
    },
  );
});

test('messageStatus repeats its last event also while only other messages change, and then ends as usual', async () => {
  const [transport] = transports as [Transport];
  const sid = await from.send();
  const reader = transport.subscribe({ url: gateway.url, provider: from.provider }, MESSAGE_STATUS, { sid });
  await reader.until(({ updates }) => updates.length > 0);
  while (reader.updates.length < 4) await from.send();
  expect(new Set(reader.log)).toEqual(new Set([`${sid} QUEUED`]));
  expect(new Set(reader.updates.map(({ cursor }) => cursor)).size).toBe(1);
  await from.advance(sid, { status: 'SENT' });
  await from.advance(sid, { status: 'DELIVERED' });
  await reader.until(({ ended }) => ended !== undefined);
  expect(reader.log.slice(-1)).toEqual([`${sid} DELIVERED`]);
  expect([reader.ended, reader.errors]).toEqual(['complete', []]);
});
