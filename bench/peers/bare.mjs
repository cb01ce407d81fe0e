import { createServer } from 'node:http';
import { enterprises, mappingsOf, messages, port } from './statements.mjs';

// The limit: node:http, prepared SQL and JSON.stringify. It knows the two queries by their names and takes the variables.

async function answer({ operationName, variables }) {
  if (operationName === 'Messages') {
    const { nodes, pageInfo } = await messages(variables.first);
    return { data: { messages: { nodes, pageInfo } } };
  }
  const { nodes, pageInfo } = await enterprises(variables.first);
  const lists = await mappingsOf(
    nodes.map(({ sid }) => sid),
    variables.mappings,
  );
  return {
    data: {
      enterprises: {
        nodes: nodes.map(({ sid, name, status }, index) => ({
          sid,
          name,
          status,
          mappings: {
            nodes: lists[index].map(({ sid, name, microsoftAddress, externalAddress }) => ({
              sid,
              name,
              microsoftAddress,
              externalAddress,
            })),
          },
        })),
        pageInfo,
      },
    },
  };
}

createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8');
  request.on('data', (chunk) => {
    text += chunk;
  });
  request.on('end', async () => {
    const body = Buffer.from(JSON.stringify(await answer(JSON.parse(text))));
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  });
}).listen(port, '127.0.0.1');
