import { interleave } from '../measure.ts';
import { messages, messagesWithTotal } from '../queries.ts';
import type { Work } from '../work.ts';
import { contestant, rate } from './graph.ts';

/** The page with the number of all messages beside the page without it. */
export const total: Work = async (bench) => {
  const gateway = await bench.gateway();
  const measured = await interleave(
    [contestant('without', gateway, messages), contestant('with totalCount', gateway, messagesWithTotal)],
    bench.pace,
  );
  const [without, withTotal] = [...measured.values()];
  if (!without || !withTotal) throw new Error('Nothing was measured');
  return {
    rows: [
      {
        work: `GraphQL, page with totalCount over ${bench.data.messages} rows, in time`,
        beside: 'the same without',
        gateway: rate(withTotal),
        peer: rate(without),
        is: without.perSecond / withTotal.perSecond,
        byProcessor: withTotal.microseconds / without.microseconds,
        mark: { atMost: 1.3 },
      },
    ],
    measured: [without, withTotal],
  };
};
