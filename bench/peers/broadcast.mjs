import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

// A WebSocket server that sends the same bytes to all: POST /burst {texts, bytes}. Each text has the moment at which it was sent.

const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  const { texts, bytes } = JSON.parse(body);
  for (let count = 0; count < texts; count += 1) {
    const data = `{"id":"1","type":"next","payload":{"data":{"messageEvents":{"@${process.hrtime.bigint()}@":"`.padEnd(bytes - 6, 'x');
    for (const client of sockets.clients) client.send(`${data}"}}}}`);
  }
  response.end('{}');
});
const sockets = new WebSocketServer({ server });
server.listen(Number(process.env.PORT), '127.0.0.1');
