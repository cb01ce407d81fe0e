import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { requeueOrphans } from '../../../src/exchange/outbox/orphans.ts';
import { done } from '../../parity/faces.ts';
import { type Customer, createTestExchange, type TestExchange } from '../../support/exchange.ts';

let exchange: TestExchange;
beforeAll(async () => {
  exchange = await createTestExchange({ retry: { limit: 2 } });
});
afterAll(() => exchange.close());
afterEach(() => exchange.calm());

const PHONE = '+4917012345671';

/** A message in each direction that was set aside, since neither platform has taken it. */
async function setAside(own: Customer): Promise<string[]> {
  exchange.microsoft.fault('activities', { times: Number.POSITIVE_INFINITY, answer: { status: 429 } });
  exchange.restcomm.faults.always('send', () => ({ status: 429 }));
  await exchange.text(own, own, PHONE, 'from a phone');
  await exchange.say(own, own.user, `${PHONE} from Teams`);
  const sids = (await exchange.messages(own.provider)).map(({ sid }) => sid);
  expect(sids).toHaveLength(2);
  for (const sid of sids) expect((await exchange.ends(own.provider, sid, 'stuck')).waiting).toMatchObject({ reason: 'RETRIES_EXHAUSTED' });
  await exchange.calm();
  return sids;
}

test.each<[string, string, (own: Customer) => Promise<unknown>]>([
  ['their mapping is deleted', 'MAPPING_NOT_FOUND', ({ provider, mappingSid: sid }) => done(provider, 'deleteMapping', { sid })],
  [
    'their mapping is moved to another enterprise',
    'MAPPING_NOT_FOUND',
    async ({ provider, mappingSid: sid }) => {
      const other = await exchange.customer({ provider });
      const { userPrincipalName: microsoftAddress } = other.user;
      return done(provider, 'updateMapping', { sid, enterpriseSid: other.enterpriseSid, microsoftAddress });
    },
  ],
  [
    'their enterprise is closed with its mappings',
    'MAPPING_NOT_FOUND',
    ({ provider, enterpriseSid: sid }) => done(provider, 'closeEnterprise', { sid, deleteMappings: true }),
  ],
])('messages that were set aside end as FAILED once %s', async (_, channelErrorCode, end) => {
  const [own, other] = [await exchange.customer(), await exchange.customer()];
  const [sids, others] = [await setAside(own), await setAside(other)];
  await requeueOrphans(exchange.gateway);
  for (const sid of [...sids, ...others]) {
    const { provider } = sids.includes(sid) ? own : other;
    expect(await exchange.message(provider, sid)).toMatchObject({ channelStatus: 'QUEUED', stuck: true });
  }
  await end(own);
  expect(await requeueOrphans(exchange.gateway)).toBe(2);
  for (const sid of sids) expect(await exchange.ends(own.provider, sid, 'FAILED')).toMatchObject({ stuck: false, channelErrorCode });
  for (const sid of others) expect((await exchange.message(other.provider, sid)).waiting).toMatchObject({ reason: 'RETRIES_EXHAUSTED' });
  expect(await requeueOrphans(exchange.gateway)).toBe(0);
});
