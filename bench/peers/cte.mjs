import { createServer } from 'node:http';
import { port } from './statements.mjs';
import { send } from './stored.mjs';

// What sendMessage stores, by pg in one prepared statement: behind node:http, and, GET /loop?ms=…, with nothing before it at all.

/** As many at once as the load over HTTP has connections. */
async function loop({ inputs, connections, ms }) {
  const began = performance.now();
  let stored = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (performance.now() - began < ms) {
        stored += 1;
        await send(inputs[stored % inputs.length]);
      }
    }),
  );
  return { stored, ms: performance.now() - began };
}

createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8');
  request.on('data', (chunk) => {
    text += chunk;
  });
  request.on('end', async () => {
    const asked = JSON.parse(text);
    const answer =
      request.url === '/loop'
        ? await loop(asked)
        : { data: { sendMessage: { __typename: 'SendMessageSuccess', sentMessage: await send(asked.variables.input) } } };
    const body = Buffer.from(JSON.stringify(answer));
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  });
}).listen(port, '127.0.0.1');
