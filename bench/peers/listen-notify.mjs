import { createServer } from 'node:http';
import pg from 'pg';
import { WebSocketServer } from 'ws';
import { DATABASE_URL, port } from './statements.mjs';
import { sendAndNotify } from './stored.mjs';

// The limit for live events: POST stores a message by one statement that also notifies, and ws sends what LISTEN brings to every socket, of
// whichever process it came from. It reads no log, so that a client that was away for a second misses what came meanwhile.

const CHANNEL = 'bench_events';

const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  const stored = await sendAndNotify(JSON.parse(body).variables.input, CHANNEL);
  response.end(JSON.stringify({ data: { sendMessage: { __typename: 'SendMessageSuccess', sentMessage: stored } } }));
});
const sockets = new WebSocketServer({ server });

const listening = new pg.Client(DATABASE_URL);
await listening.connect();
await listening.query(`LISTEN ${CHANNEL}`);
listening.on('notification', ({ payload }) => {
  const { sid, from, to, body, channel_status: status, date_created: dateCreated } = JSON.parse(payload);
  const message = { sid, from, to, body, channelStatus: status };
  const messageEvents = {
    __typename: 'MessageEvent',
    cursor: sid,
    dateCreated,
    channelStatus: status,
    previousChannelStatus: null,
    message,
  };
  const text = JSON.stringify({ id: sid, type: 'next', payload: { data: { messageEvents } } });
  for (const client of sockets.clients) client.send(text);
});
server.listen(port, '127.0.0.1');
