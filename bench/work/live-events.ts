import { type SendInput, WRITER_SID } from '../data.ts';
import { basic } from '../gateway.ts';
import type { Target } from '../live-clients.ts';
import { sendMessage } from '../queries.ts';
import type { Server } from '../server.ts';

// How live events are made and read, of the gateway and of its peers.

const QUERY = `subscription { messageEvents { __typename ... on Bookmark { cursor } ... on MessageEvent {
  cursor dateCreated channelStatus previousChannelStatus message { sid from to body channelStatus } } } }`;

/** The gateway's events, as an account reads them. */
export const eventsOf = (gateway: Server, transport: 'graphql-ws' | 'sse', account = WRITER_SID): Target => ({
  ...{ url: `${gateway.url}/graphql`, transport, query: QUERY },
  authorization: basic(account),
});

/** Sends a text with the moment at which it is sent. @throws Error where the server does not store it */
export async function sendText(server: Server, { lane, ...to }: SendInput, account = WRITER_SID): Promise<void> {
  const isGateway = server.name === 'gateway';
  const body = `A text of the length that a text has, more or less @${process.hrtime.bigint()}@`;
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(isGateway ? { authorization: basic(account) } : {}) },
    body: JSON.stringify(sendMessage({ ...to, body, ...(isGateway ? {} : { lane }) })),
  });
  const text = await response.text();
  if (!text.includes('"__typename":"SendMessageSuccess"')) throw new Error(`${server.name} answered ${response.status} ${text}`);
}
