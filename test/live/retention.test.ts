import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeEventCursor, positionOf } from '../../src/domain/events/event-cursor.ts';
import { trimEvents } from '../../src/domain/events/events.ts';
import { createLiveGateway, createSender, type LiveGateway } from '../support/live.ts';
import { graphqlWs } from '../support/transports.ts';

let gateway: LiveGateway;
beforeAll(async () => {
  gateway = await createLiveGateway({ live: { pollMs: 200, idleMs: 300 } });
});
afterAll(() => gateway.close());

const DAY = 24 * 60 * 60_000;

async function filled(count: number) {
  const from = await createSender(gateway, await gateway.provider());
  for (let n = 0; n < count; n += 1) await from.send();
  const { organizationSid } = from.provider;
  return { from, organizationSid };
}

/** Makes the events up to this number so old. */
const age = (organizationSid: string, seq: number, days: number) =>
  gateway.database.prisma.messageEvent.updateMany({
    where: { organizationSid, seq: { lte: seq } },
    data: { occurredAt: new Date(Date.now() - days * DAY) },
  });

const numbersOf = async (organizationSid: string) =>
  (await gateway.database.prisma.messageEvent.findMany({ where: { organizationSid }, orderBy: { seq: 'asc' } })).map(({ seq }) =>
    Number(seq),
  );

test('events past their retention are deleted from the beginning of each log, and no others', async () => {
  const [one, two] = [await filled(10), await filled(4)];
  await age(one.organizationSid, 10, 10);
  await age(one.organizationSid, 7, 31);
  await age(two.organizationSid, 4, 40);
  expect(await trimEvents(gateway.database.prisma, 30 * DAY)).toBe(11);
  expect([await numbersOf(one.organizationSid), await numbersOf(two.organizationSid)]).toEqual([[8, 9, 10], []]);
  expect(await trimEvents(gateway.database.prisma, 30 * DAY)).toBe(0);
  await two.from.send();
  expect(await numbersOf(two.organizationSid)).toEqual([5]);
});

test('a log that cannot be trimmed keeps no other one from it', async () => {
  const logs = [await filled(2), await filled(2), await filled(2)];
  for (const { organizationSid } of logs) await age(organizationSid, 2, 40);
  const { prisma } = gateway.database;
  const poison = logs[0]?.organizationSid ?? '';
  await prisma.$executeRawUnsafe(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'poison'; END $$`);
  await prisma.$executeRawUnsafe(
    `CREATE TRIGGER refuse BEFORE DELETE ON message_event FOR EACH ROW WHEN (OLD.organization_sid = '${poison}') EXECUTE FUNCTION refuse()`,
  );
  await expect(trimEvents(prisma, 30 * DAY)).rejects.toThrow('cannot trim the event logs of 1 organizations');
  await prisma.$executeRawUnsafe('DROP TRIGGER refuse ON message_event');
  expect(await Promise.all(logs.map(({ organizationSid }) => numbersOf(organizationSid)))).toEqual([[1, 2], [], []]);
  expect(await trimEvents(prisma, 30 * DAY)).toBe(2);
});

test('what an interrupted run had noted and not deleted, the next one deletes', async () => {
  const { organizationSid } = await filled(5);
  await age(organizationSid, 3, 31);
  await gateway.database.prisma.eventHead.update({ where: { organizationSid }, data: { trimmed: 3n } });
  expect(await trimEvents(gateway.database.prisma, 30 * DAY)).toBe(3);
  expect(await numbersOf(organizationSid)).toEqual([4, 5]);
});

const PAGE = `query ($after: String) { messageEvents(after: $after, first: 7) { nodes { cursor } pageInfo { endCursor hasNextPage } } }`;

test('a reader during retention, by stream or by page, gets the log without a gap or CURSOR_EXPIRED', async () => {
  const { from, organizationSid } = await filled(120);
  const { graph } = from.provider;
  const first = await graph(PAGE);
  const { logId } = await gateway.database.prisma.eventHead.findUniqueOrThrow({ where: { organizationSid } });
  const seqOf = (cursor: string) => Number(positionOf(cursor, { logId, seq: 1000n, trimmed: 0n }));
  const cursorAt = (seq: number) => encodeEventCursor(logId, BigInt(seq));
  expect(first.data.messageEvents.nodes).toHaveLength(7);
  const outcomes = { whole: 0, expired: 0 };

  async function page(start: number): Promise<void> {
    let after = cursorAt(start);
    let expected = start;
    for (;;) {
      const { data, errors } = await graph(PAGE, { after });
      if (errors) {
        expect(errors[0]?.extensions?.code).toBe('CURSOR_EXPIRED');
        outcomes.expired += 1;
        return;
      }
      for (const { cursor } of data.messageEvents.nodes) {
        expected += 1;
        expect(seqOf(cursor)).toBe(expected);
      }
      after = data.messageEvents.pageInfo.endCursor;
      if (!data.messageEvents.pageInfo.hasNextPage) break;
    }
    expect(expected).toBe(120);
    outcomes.whole += 1;
  }

  async function stream(start: number): Promise<void> {
    const reader = graphqlWs.resume({ url: gateway.url, provider: from.provider }, cursorAt(start));
    await reader.until(({ cursor, ended }) => ended !== undefined || (cursor !== undefined && seqOf(cursor) === 120));
    reader.close();
    expect(reader.events.map(({ cursor }) => seqOf(cursor))).toEqual(reader.events.map((_event, index) => start + index + 1));
    if (reader.ended) expect(reader.errorCode).toBe('CURSOR_EXPIRED');
    outcomes[reader.ended ? 'expired' : 'whole'] += 1;
  }

  const readers = [0, 20, 40, 60, 80, 100].flatMap((start) => [page(start), stream(start)]);
  const trimming = (async () => {
    for (let seq = 10; seq <= 70; seq += 10) {
      await age(organizationSid, seq, 31);
      await trimEvents(gateway.database.prisma, 30 * DAY);
    }
  })();
  await Promise.all([...readers, trimming]);
  expect(outcomes.whole).toBeGreaterThan(0);
  console.log(`read while retention ran: ${outcomes.whole} to the end, ${outcomes.expired} told CURSOR_EXPIRED`);
  await Promise.all([page(70), page(0)]);
  expect(outcomes.expired).toBeGreaterThan(0);
});
