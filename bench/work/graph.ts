import { ACCOUNT_SID, basic } from '../gateway.ts';
import { bytesOf } from '../load.ts';
import type { Contestant, Measured } from '../measure.ts';
import type { GraphRequest } from '../queries.ts';
import { answerOf, requireSame } from '../same.ts';
import type { Server } from '../server.ts';
import type { Row } from '../work.ts';

// What the rows of GraphQL have in common. The gateway authenticates every request, its peers none.

const PATH = '/graphql';

export function contestant(name: string, server: Server, body: GraphRequest): Contestant {
  const authorization = server.name === 'gateway' ? basic(ACCOUNT_SID) : undefined;
  const bytes = bytesOf({ method: 'POST', path: PATH, authorization, body });
  return { name, server, request: () => bytes };
}

/** The same requests, no two of which are alike for the gateway: each has another variable, which the document does not use. */
export function differing(name: string, server: Server, body: GraphRequest): Contestant {
  const authorization = server.name === 'gateway' ? basic(ACCOUNT_SID) : undefined;
  const request = (number: number) =>
    bytesOf({ method: 'POST', path: PATH, authorization, body: { ...body, variables: { ...body.variables, number } } });
  return { name, server, request };
}

export const graphAnswer = async (server: Server, body: GraphRequest, account = ACCOUNT_SID): Promise<unknown> =>
  answerOf(await askGraph(server, body, account));

export const askGraph = (server: Server, body: GraphRequest, account = ACCOUNT_SID): Promise<Response> =>
  fetch(`${server.url}${PATH}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      authorization: server.name === 'gateway' ? basic(account) : '',
    },
    body: JSON.stringify(body),
  });

/** Only what answers alike is compared. @throws Error where a peer answers something else than the gateway */
export async function requireAlike(
  gateway: Server,
  body: GraphRequest,
  peers: readonly (readonly [Server, GraphRequest])[],
): Promise<void> {
  const expected = await graphAnswer(gateway, body);
  for (const [peer, spelled] of peers) requireSame(peer.name, await graphAnswer(peer, spelled), expected);
}

/** The gateway's requests a second as a multiple of a peer's. The marks are held by processor time, which other work on the machine changes least. */
export function besides(
  work: string,
  measured: ReadonlyMap<string, Measured>,
  peers: readonly { readonly name: string; readonly atLeast?: number }[],
  our = 'gateway',
): Row[] {
  const ours = measured.get(our);
  return peers.flatMap(({ name, atLeast }) => {
    const theirs = measured.get(name);
    if (!ours || !theirs) return [];
    const mark = atLeast === undefined ? undefined : { atLeast };
    return [
      {
        work,
        beside: name,
        gateway: rate(ours),
        peer: rate(theirs),
        is: ours.perSecond / theirs.perSecond,
        byProcessor: theirs.microseconds / ours.microseconds,
        isByProcessor: true,
        mark,
      },
    ];
  });
}

export const rate = ({ perSecond, microseconds }: Measured) => `${Math.round(perSecond)}/s, ${Math.round(microseconds)} µs`;
export const milliseconds = (ms: number) => `${ms.toFixed(ms < 10 ? 2 : 0)} ms`;
