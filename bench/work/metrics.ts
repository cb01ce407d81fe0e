import { startGateway } from '../gateway.ts';
import { drive } from '../load.ts';
import { type Contestant, interleave, type Measured } from '../measure.ts';
import { messages } from '../queries.ts';
import { freePort } from '../server.ts';
import type { Bench, Work } from '../work.ts';
import { contestant, rate } from './graph.ts';

/** How many pairs of gateways are measured, each on its own: a process compiles its code in its own way, and the mark allows little. */
const PAIRS = 5;

/** A page of 10 messages, from a gateway that is scraped in each window, and from one without metrics; the median of several pairs. */
export const metrics: Work = async (bench) => {
  const pairs: { readonly off: Measured; readonly on: Measured }[] = [];
  for (let pair = 0; pair < (bench.smoke ? 1 : PAIRS); pair += 1) pairs.push(await measurePair(bench, pair % 2 === 0));
  const ratio = ({ off, on }: (typeof pairs)[number]) => on.microseconds / off.microseconds;
  const [middle] = [...pairs].sort((one, other) => ratio(one) - ratio(other)).slice(Math.floor(pairs.length / 2));
  if (!middle) throw new Error('Nothing was measured');
  const { off, on } = middle;
  return {
    rows: [
      {
        work: 'GraphQL, page of 10 messages with metrics, in time',
        beside: 'without metrics',
        gateway: rate(on),
        peer: rate(off),
        is: off.perSecond / on.perSecond,
        byProcessor: ratio(middle),
        isByProcessor: true,
        mark: { atMost: 1.02 },
        note: `Pairs of processes, by processor time: ${pairs.map((pair) => `${ratio(pair).toFixed(2)} ×`).join(', ')}.`,
      },
    ],
    measured: pairs.flatMap((pair) => [pair.off, pair.on]),
  };
};

async function measurePair({ data, pace, smoke }: Bench, isOffFirst: boolean) {
  const port = await freePort();
  const start = { off: () => startGateway(data.url), on: () => startGateway(data.url, { env: { METRICS_PORT: String(port) } }) };
  const first = await (isOffFirst ? start.off : start.on)();
  const second = await (isOffFirst ? start.on : start.off)();
  const [without, observed] = isOffFirst ? [first, second] : [second, first];
  const page = contestant('metrics on', observed, messages);
  const scraped: Contestant = {
    ...page,
    drive: async (seconds) => {
      const load = drive({ port: observed.port, request: page.request, connections: 16, seconds });
      const [answered] = await Promise.all([load, scrape(port)]);
      return answered;
    },
  };
  // A window is a second at the usual pace, so it is scraped once a second: fifteen times as often as Prometheus usually does.
  const rounds = smoke ? 1 : Math.ceil(pace.rounds / PAIRS);
  const own = { ...pace, seconds: pace.seconds * 2, rounds, tries: rounds * 3 };
  const measured = await interleave([contestant('metrics off', without, messages), scraped], own);
  await Promise.all([without.stop(), observed.stop()]);
  const [off, on] = [...measured.values()];
  if (!off || !on) throw new Error('Nothing was measured');
  return { off, on };
}

/** @throws Error unless it gets the metrics of operations */
async function scrape(port: number): Promise<void> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  if (!text.includes('gateway_operation_duration_seconds')) throw new Error(`No metrics:\n${text.slice(0, 500)}`);
}
