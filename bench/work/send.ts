import { type SendInput, sendInputs, WRITER_SID, WRITERS } from '../data.ts';
import { ask } from '../database.ts';
import { basic } from '../gateway.ts';
import { bytesOf } from '../load.ts';
import { type Contestant, interleave } from '../measure.ts';
import { sendMessage } from '../queries.ts';
import type { Server } from '../server.ts';
import type { Bench, Work } from '../work.ts';
import { besides } from './graph.ts';

const CONNECTIONS = 16;
const BODY = 'Your appointment is confirmed for Thursday at half past ten; answer NO if you can not come.';
const DIRECT = 'cte, without HTTP';

/**
 * sendMessage until it is stored with its event and its place in the outbox. Every conversation's lane waits, as it does between retries, so that
 * nothing is delivered meanwhile: what is measured ends with the outbox. After each window it is counted that all is there that was answered.
 */
export const send: Work = async (bench) => {
  const gateway = await bench.gateway();
  const cte = await bench.peer('cte', WRITERS);
  const inputs = await sendInputs(bench.data.url);
  const check = await countingStored(bench);
  const over = (name: string, server: Server): Contestant => ({
    name,
    server,
    request: requestsOf(server, inputs),
    connections: CONNECTIONS,
    check,
  });
  const contestants = [over('gateway', gateway)];
  if (cte) {
    const direct = { ...over(DIRECT, cte), drive: (seconds: number) => loop(cte, inputs, seconds) };
    contestants.push(direct, over('cte', cte));
  }
  const measured = await interleave(contestants, bench.pace);
  const rows = besides('sendMessage, accepted and enqueued', measured, [{ name: DIRECT }, { name: 'cte', atLeast: 0.6 }]);
  return { rows, measured: [...measured.values()] };
};

function requestsOf(server: Server, inputs: readonly SendInput[]): (number: number) => Buffer {
  const isGateway = server.name === 'gateway';
  const requests = inputs.map(({ mappingSid, to, lane }) =>
    bytesOf({
      method: 'POST',
      path: '/graphql',
      authorization: isGateway ? basic(WRITER_SID) : undefined,
      body: sendMessage({ mappingSid, to, body: BODY, ...(isGateway ? {} : { lane }) }),
    }),
  );
  return (number) => requests[number % requests.length] ?? Buffer.alloc(0);
}

/** The statements in a loop in the server itself. */
async function loop(server: Server, inputs: readonly SendInput[], seconds: number) {
  const asked = { inputs: inputs.map((input) => ({ ...input, body: BODY })), connections: CONNECTIONS, ms: seconds * 1000 };
  const response = await fetch(`${server.url}/loop`, { method: 'POST', body: JSON.stringify(asked) });
  const { stored, ms } = (await response.json()) as { stored: number; ms: number };
  return { requests: stored, seconds: ms / 1000, latencies: new Float64Array() };
}

/** @throws Error, when called, where not every message is stored, in the outbox, and first in its history */
async function countingStored({ data }: Bench): Promise<(answered: number) => Promise<void>> {
  const count = async () => {
    const [row] = await ask<{ messages: number; queued: number; events: number }>(
      data.url,
      `SELECT (SELECT count(*)::int FROM message WHERE organization_sid = $1) AS messages,
         (SELECT count(*)::int FROM outbox JOIN message m ON m.sid = message_sid AND m.organization_sid = $1) AS queued,
         (SELECT count(*)::int FROM message_event WHERE organization_sid = $1) AS events`,
      [WRITERS],
    );
    return row ?? { messages: 0, queued: 0, events: 0 };
  };
  let before = await count();
  return async (answered) => {
    const after = await count();
    const grown = {
      messages: after.messages - before.messages,
      queued: after.queued - before.queued,
      events: after.events - before.events,
    };
    before = after;
    if (Object.values(grown).some((by) => by !== answered))
      throw new Error(`${answered} were answered, and stored: ${JSON.stringify(grown)}`);
  };
}
