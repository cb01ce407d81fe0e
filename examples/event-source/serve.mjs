// Serves the page and gives it access tokens for the gateway.
//
//   CORS_ORIGINS=http://127.0.0.1:8080 npm start                          (the gateway, with the page's origin allowed)
//   ACCOUNT_SID=AC… AUTH_TOKEN=… node examples/event-source/serve.mjs     (then open http://127.0.0.1:8080)

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { authorization, gatewayUrl } from '../environment.mjs';

const FILES = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/live-messages.js': ['live-messages.js', 'text/javascript; charset=utf-8'],
  '/style.css': ['style.css', 'text/css; charset=utf-8'],
};

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' ${new URL(gatewayUrl).origin}`,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** READ allows queries and subscriptions only, and `enterpriseSid` restricts the token to one enterprise: grant only what your user may see. */
const CREATE_ACCESS_TOKEN = `mutation ($enterpriseSid: ID) {
  createAccessToken(input: { expiresIn: 3600, permissions: [READ], enterpriseSid: $enterpriseSid }) {
    ... on CreateAccessTokenSuccess { token }
    ... on Error { message }
  }
}`;

async function createAccessToken() {
  const response = await fetch(`${gatewayUrl}/graphql`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ query: CREATE_ACCESS_TOKEN, variables: { enterpriseSid: process.env.ENTERPRISE_SID } }),
  });
  const { data, errors } = await response.json();
  const token = data?.createAccessToken.token;
  if (!token) throw new Error(data?.createAccessToken.message ?? errors[0].message);
  return token;
}

async function answer(request, response) {
  const { url } = request;
  if (request.method === 'GET' && Object.hasOwn(FILES, url)) {
    const [name, type] = FILES[url];
    response.writeHead(200, { ...HEADERS, 'content-type': type }).end(await readFile(new URL(name, import.meta.url)));
  } else if (request.method === 'POST' && url === '/session' && isOwnPage(request)) {
    // Here, check that the user is signed in. This example gives a token to everyone who can open the page.
    const session = { gatewayUrl, token: await createAccessToken() };
    response.writeHead(200, { ...HEADERS, 'content-type': 'application/json' }).end(JSON.stringify(session));
  } else {
    response.writeHead(404, HEADERS).end();
  }
}

/** Pages of other sites get no token, even if their host name resolves to this address (DNS rebinding). */
const isOwnPage = ({ headers }) => headers['sec-fetch-site'] === 'same-origin' && headers.host === new URL(ownUrl).host;

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error('Cannot create a session:', error.message);
    response.writeHead(502, HEADERS).end();
  });
});
server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1');
await once(server, 'listening');
const ownUrl = `http://127.0.0.1:${server.address().port}`;
console.log(`Open ${ownUrl}`);
