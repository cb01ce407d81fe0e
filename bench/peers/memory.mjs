import { createServer } from 'node:http';

// node:http alone: every POST is answered with the headers and the body that the last PUT had.

const { PORT } = process.env;
let answer = { headers: {}, body: Buffer.alloc(0) };

createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    if (request.method === 'PUT') {
      const { headers, body } = JSON.parse(Buffer.concat(chunks).toString());
      answer = { headers, body: Buffer.from(body) };
    }
    response.writeHead(200, answer.headers);
    response.end(answer.body);
  });
}).listen(Number(PORT), '127.0.0.1');
