import { startGateway } from '../gateway.ts';
import { drive } from '../load.ts';
import { type Contestant, interleave } from '../measure.ts';
import { messages } from '../queries.ts';
import { freePort } from '../server.ts';
import type { Work } from '../work.ts';
import { contestant, rate } from './graph.ts';

/** A page of 10 messages, from a gateway that is scraped in each window, and from one without metrics. */
export const metrics: Work = async (bench) => {
  const without = await bench.gateway();
  const port = await freePort();
  const observed = await startGateway(bench.data.url, { env: { METRICS_PORT: String(port) } });
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
  const pace = { ...bench.pace, seconds: bench.pace.seconds * 2 };
  const measured = await interleave([contestant('metrics off', without, messages), scraped], pace);
  const [off, on] = [...measured.values()];
  if (!off || !on) throw new Error('Nothing was measured');
  return {
    rows: [
      {
        work: 'GraphQL, page of 10 messages with metrics, in time',
        beside: 'without metrics',
        gateway: rate(on),
        peer: rate(off),
        is: off.perSecond / on.perSecond,
        byProcessor: on.microseconds / off.microseconds,
        isByProcessor: true,
        mark: { atMost: 1.02 },
      },
    ],
    measured: [off, on],
  };
};

/** @throws Error unless it gets the metrics of operations */
async function scrape(port: number): Promise<void> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  if (!text.includes('gateway_operation_duration_seconds')) throw new Error(`No metrics:\n${text.slice(0, 500)}`);
}
