import { createServer } from 'node:http';

// node:http alone: every POST is answered with the bytes of the last PUT.

const { PORT } = process.env;
let answer = Buffer.alloc(0);

createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    if (request.method === 'PUT') answer = Buffer.concat(chunks);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
    response.end(answer);
  });
}).listen(Number(PORT), '127.0.0.1');
