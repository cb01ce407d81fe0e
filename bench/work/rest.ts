import { ACCOUNT_SID, basic } from '../gateway.ts';
import { bytesOf } from '../load.ts';
import { type Contestant, interleave } from '../measure.ts';
import { answerOf, requireSame } from '../same.ts';
import type { Server } from '../server.ts';
import type { Work } from '../work.ts';
import { besides } from './graph.ts';

const PATH = '/msteams/messages/search?pageSize=10&page=0';
/** The peer's other way to its total. */
const COUNTED = `${PATH}&count=1`;

/** REST's page of 10 messages with its total, beside a route that is written for it alone. */
export const rest: Work = async (bench) => {
  const gateway = await bench.gateway();
  const peer = await bench.peer('fastify-rest');
  const ours: Contestant = contestant('gateway', gateway, PATH);
  const theirs = peer ? [contestant('fastify-rest', peer, PATH), contestant('fastify-rest, count(*)', peer, COUNTED)] : [];
  if (peer) {
    const authorization = basic(ACCOUNT_SID);
    const expected = await answerOf(await fetch(gateway.url + PATH, { headers: { authorization } }));
    for (const path of [PATH, COUNTED]) requireSame(path, await answerOf(await fetch(peer.url + path)), expected);
  }
  const measured = await interleave([ours, ...theirs], bench.pace);
  const peers = [{ name: 'fastify-rest', atLeast: 1.2 }, { name: 'fastify-rest, count(*)' }];
  return { rows: besides('REST, page of 10 messages with total', measured, peers), measured: [...measured.values()] };
};

function contestant(name: string, server: Server, path: string): Contestant {
  const authorization = server.name === 'gateway' ? basic(ACCOUNT_SID) : undefined;
  const bytes = bytesOf({ method: 'GET', path, authorization });
  return { name, server, request: () => bytes };
}
