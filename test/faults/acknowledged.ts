import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { reconcileStatuses } from '../../src/exchange/restcomm/reconciler.ts';
import { type Customer, type TestExchange, until } from '../support/exchange.ts';
import { SEND } from './doors.ts';

/** A gateway that moves messages, and whose they are. */
export interface Place {
  readonly exchange: TestExchange;
  readonly customer: Customer;
}

/** Sends texts for a while, several at once. @returns those that were acknowledged, by their text */
export async function sendDuring({ customer }: Place, name: string, disturbance: () => Promise<void>): Promise<Map<string, string>> {
  const acknowledged = new Map<string, string>();
  let isOver = false;
  const sender = async (number: number) => {
    for (let n = 0; !isOver; n += 1) {
      const body = `${name} ${number} ${n}`;
      const input = { mappingSid: customer.mappingSid, to: `+49301${number}`, body };
      const { data } = await customer.provider.graph(SEND, { input });
      const sid = data?.result?.sentMessage?.sid;
      if (sid) acknowledged.set(body, sid);
      // Not so fast that what is sent waits for long, nor what is refused is sent again and again.
      await delay(20);
    }
  };
  const senders = Promise.all([1, 2, 3, 4].map(sender));
  const goesOn = (count: number) => until(async () => acknowledged.size >= count);
  try {
    await goesOn(20);
    await disturbance();
    await goesOn(acknowledged.size + 20);
  } finally {
    isOver = true;
    await senders;
  }
  return acknowledged;
}

/** Each that was acknowledged is stored and arrives; each that arrived twice says so. */
export async function expectAllArrived(
  { exchange, customer }: Place,
  name: string,
  acknowledged: ReadonlyMap<string, string>,
): Promise<void> {
  const { prisma } = exchange.gateway;
  const where = { body: { startsWith: `${name} ` } };
  await until(async () => {
    // For the reports that came while nothing could be stored: Restcomm sends each once.
    await reconcileStatuses(exchange.gateway, { quietMs: 0 });
    return (await prisma.message.count({ where: { ...where, channelStatus: { not: 'DELIVERED' } } })) === 0;
  });
  const stored = await prisma.message.findMany({ where });
  const byBody = new Map(stored.map((message) => [message.body, message]));
  expect(byBody.size).toBe(stored.length);
  for (const [body, sid] of acknowledged) expect([body, byBody.get(body)?.sid]).toEqual([body, sid]);
  for (const { body, possiblyDuplicated } of stored) {
    const sent = exchange.restcomm.messages.filter((sms) => sms.body === body).length;
    expect([body, sent > 0, sent === 1 || possiblyDuplicated]).toEqual([body, true, true]);
  }
  const { rows } = await exchange.database.pool.query(
    'SELECT count(*) = max(seq) AND (SELECT seq FROM event_head WHERE organization_sid = $1) = max(seq) AS "isGapless" FROM message_event WHERE organization_sid = $1',
    [customer.provider.organizationSid],
  );
  expect(rows).toEqual([{ isGapless: true }]);
}
