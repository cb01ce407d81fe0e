import { ACCOUNT_SID, basic } from '../gateway.ts';
import { bytesOf } from '../load.ts';
import { interleave } from '../measure.ts';
import { messages, messagesAfter } from '../queries.ts';
import type { Work } from '../work.ts';
import { contestant, graphAnswer, milliseconds, rate } from './graph.ts';

/** A page from the middle of all messages: by its cursor, and by its number. */
export const deep: Work = async (bench) => {
  const gateway = await bench.gateway();
  const page = bench.data.messages / 20;
  const cursor = await cursorBefore(gateway, page * 10);
  const byCursor = await interleave(
    [contestant('page 1', gateway, messages), contestant('deep page by cursor', gateway, messagesAfter(cursor))],
    bench.pace,
  );
  const numbered = bytesOf({ method: 'GET', path: `/msteams/messages/search?pageSize=10&page=${page}`, authorization: basic(ACCOUNT_SID) });
  const byNumber = await interleave(
    [{ name: 'deep page by number', server: gateway, request: () => numbered, connections: 1 }],
    bench.pace,
  );
  const [first, deepest] = [...byCursor.values()];
  const [number] = [...byNumber.values()];
  if (!first || !deepest || !number) throw new Error('Nothing was measured');
  return {
    rows: [
      {
        work: `page ${page} of ${bench.data.messages} rows by cursor, in time`,
        beside: 'page 1',
        gateway: rate(deepest),
        peer: rate(first),
        is: first.perSecond / deepest.perSecond,
        byProcessor: deepest.microseconds / first.microseconds,
        isByProcessor: true,
        mark: { atMost: 1.1 },
      },
      {
        work: `page ${page} of ${bench.data.messages} rows by REST's page number, one at a time`,
        beside: '–',
        gateway: milliseconds(number.median),
        peer: '–',
        is: number.median,
        unit: 'ms',
        mark: { atMost: 60 },
      },
    ],
    measured: [first, deepest, number],
  };
};

async function cursorBefore(gateway: Parameters<typeof graphAnswer>[0], place: number): Promise<string> {
  const query = 'query Cursor($offset: Int!) { messages(first: 1, offset: $offset) { pageInfo { endCursor } } }';
  const answer = await graphAnswer(gateway, { operationName: 'Cursor', query, variables: { offset: place - 1 } });
  return (answer as { messages: { pageInfo: { endCursor: string } } }).messages.pageInfo.endCursor;
}
