import { ORGANIZATION } from '../data.ts';
import { interleave } from '../measure.ts';
import type { PeerName } from '../peers.ts';
import { type GraphRequest, graphileMessages, messages } from '../queries.ts';
import type { Server } from '../server.ts';
import type { Work } from '../work.ts';
import { askGraph, besides, contestant, differing, requireAlike } from './graph.ts';

const DIFFERING = 'gateway, no two alike';
const PEERS: readonly { name: PeerName; atLeast: number }[] = [
  { name: 'postgraphile', atLeast: 2.5 },
  { name: 'yoga-pg', atLeast: 2.5 },
  { name: 'yoga-prisma', atLeast: 5 },
  { name: 'mercurius', atLeast: 0.8 },
  { name: 'bare', atLeast: 1.4 },
  { name: 'memory', atLeast: 0.33 },
];

/** A page of 10 messages with 12 fields. */
export const page: Work = async (bench) => {
  const gateway = await bench.gateway();
  const peers: [Server, GraphRequest][] = [];
  for (const { name } of PEERS) {
    const peer = await bench.peer(name);
    if (peer?.name === 'memory') await remember(peer, gateway);
    if (peer) peers.push([peer, name === 'postgraphile' ? graphileMessages(ORGANIZATION) : messages]);
  }
  await requireAlike(gateway, messages, peers);
  const measured = await interleave(
    [
      contestant('gateway', gateway, messages),
      differing(DIFFERING, gateway, messages),
      ...peers.map(([peer, body]) => contestant(peer.name, peer, body)),
    ],
    bench.pace,
  );
  const besideBare = besides('GraphQL, page of 10 messages, no two requests alike', measured, [{ name: 'bare' }], DIFFERING);
  return { rows: [...besides('GraphQL, page of 10 messages', measured, PEERS), ...besideBare], measured: [...measured.values()] };
};

/** node sets these by itself. */
const NODES_OWN = new Set(['connection', 'keep-alive', 'date', 'transfer-encoding']);

/** Has the peer answer with the gateway's own bytes, headers included. */
async function remember(peer: Server, gateway: Server): Promise<void> {
  const response = await askGraph(gateway, messages);
  const headers = Object.fromEntries([...response.headers].filter(([name]) => !NODES_OWN.has(name)));
  await fetch(peer.url, { method: 'PUT', body: JSON.stringify({ headers, body: await response.text() }) });
}
