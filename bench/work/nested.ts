import { ORGANIZATION } from '../data.ts';
import { interleave } from '../measure.ts';
import type { PeerName } from '../peers.ts';
import { enterprises, type GraphRequest, graphileEnterprises } from '../queries.ts';
import type { Server } from '../server.ts';
import type { Work } from '../work.ts';
import { besides, contestant, differing, requireAlike } from './graph.ts';

const DIFFERING = 'gateway, no two alike';
const PEERS: readonly { name: PeerName; atLeast?: number }[] = [
  { name: 'postgraphile', atLeast: 1.5 },
  { name: 'mercurius', atLeast: 1 },
  { name: 'yoga-prisma', atLeast: 6 },
  { name: 'bare', atLeast: 1.3 },
];

/** 10 enterprises with the first 5 mappings of each. */
export const nested: Work = async (bench) => {
  const gateway = await bench.gateway();
  const peers: [Server, GraphRequest][] = [];
  for (const { name } of PEERS) {
    const peer = await bench.peer(name);
    if (peer) peers.push([peer, name === 'postgraphile' ? graphileEnterprises(ORGANIZATION) : enterprises]);
  }
  await requireAlike(gateway, enterprises, peers);
  const measured = await interleave(
    [
      contestant('gateway', gateway, enterprises),
      differing(DIFFERING, gateway, enterprises),
      ...peers.map(([peer, body]) => contestant(peer.name, peer, body)),
    ],
    bench.pace,
  );
  const besideBare = besides('GraphQL, 10 enterprises × 5 mappings, no two requests alike', measured, [{ name: 'bare' }], DIFFERING);
  return { rows: [...besides('GraphQL, 10 enterprises × 5 mappings', measured, PEERS), ...besideBare], measured: [...measured.values()] };
};
