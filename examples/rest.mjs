// The REST API with fetch: creates an enterprise, finds it, pages through the list, handles an error, closes the enterprise.
//
//   ACCOUNT_SID=AC… AUTH_TOKEN=… node examples/rest.mjs

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { authorization, gatewayUrl } from './environment.mjs';

const ATTEMPTS = 4;

/** Temporary errors: the first request with this key is still running; too many requests; the gateway cannot answer right now. */
const TEMPORARY = ['409', '429', '503'];

/** An error response. Branch on `errorCode`, e.g. 4050; show `message`; `value` is the offending value, if any. */
class GatewayError extends Error {
  constructor({ errorCode, message, data }, retryAfter) {
    super(message);
    this.errorCode = errorCode;
    // Only "create enterprise" nests it one level deeper.
    this.value = data?.data ?? data;
    this.retryAfter = retryAfter;
  }
}

/** Sends a request and opens the envelope: `{ data, code, message }` for success, `{ errorCode, message, data }` for an error. */
async function send(method, path, body, idempotencyKey) {
  const response = await fetch(new URL(path, gatewayUrl), {
    method,
    headers: {
      authorization,
      ...(body && { 'content-type': 'application/json' }),
      ...(idempotencyKey && { 'idempotency-key': idempotencyKey }),
    },
    body: body && JSON.stringify(body),
  });
  const envelope = await response.json();
  if (!response.ok) throw new GatewayError(envelope, response.headers.get('retry-after') ?? undefined);
  return envelope.data;
}

/**
 * Sends a request, and repeats it after a temporary error or if no response arrives. Since the change may have been made
 * nevertheless, only reads and requests with an idempotency key are repeated.
 */
async function request(method, path, { body, idempotencyKey } = {}) {
  const attempts = method === 'GET' || idempotencyKey ? ATTEMPTS : 1;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send(method, path, body, idempotencyKey);
    } catch (error) {
      const isTemporary = !(error instanceof GatewayError) || TEMPORARY.includes(error.errorCode);
      if (!isTemporary || attempt === attempts) throw error;
      await delay(1000 * Number(error.retryAfter ?? attempt));
    }
  }
}

/** Yields all pages of a list. Each page has the URI of the next one. */
async function* pages(path) {
  for (let uri = path; uri !== undefined; ) {
    const page = await request('GET', uri);
    yield page;
    uri = page.nextPageUri;
  }
}

const name = `Example ${randomUUID()}`;
const body = { name, enterpriseAdmin: { emailId: `${randomUUID()}@example.com`, password: randomUUID() } };

// One key for each change, the same for all attempts: the change is made once, and each attempt gets the first response.
const idempotencyKey = randomUUID();
const created = await request('POST', '/msteams/enterprises', { body, idempotencyKey });
console.log(`Created ${created.name}: ${created.sid}`);
const again = await request('POST', '/msteams/enterprises', { body, idempotencyKey });
console.log(`Sent again with the same key: ${again.sid}`);

const search = new URLSearchParams({ name, status: 'ACTIVE' });
const { result, total } = await request('GET', `/msteams/enterprises/search?${search}`);
console.log(`Found ${total} by name: ${result[0].sid}`);

for await (const { page, numPages, result } of pages('/msteams/enterprises/search?pageSize=25&sortBy=name')) {
  console.log(`Page ${page + 1} of ${numPages}: ${result.length} enterprises`);
}

try {
  await request('POST', '/msteams/enterprises', { body, idempotencyKey: randomUUID() });
} catch (error) {
  if (!(error instanceof GatewayError) || error.errorCode !== '4050') throw error;
  console.log(`The name is taken (${error.errorCode}): ${error.message}`);
}

const closed = await request('DELETE', `/msteams/enterprises/${created.sid}`);
console.log(`Closed ${closed.sid}: ${closed.status}`);
