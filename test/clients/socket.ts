import { readFileSync } from 'node:fs';
import { runInThisContext } from 'node:vm';
import { type Client, type ClientOptions, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { ClientsGateway } from './gateway.ts';

/** The options in the README's own text. By default, graphql-ws gives up when it finds nobody at the address for a moment. */
const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const [, text] = /```js\n(connectionParams: [^`]*?shouldRetry: [^`]*?retryAttempts: .*\n)/.exec(readme) ?? [];
if (!text) throw new Error('The README has no options for graphql-ws');
const optionsFor = runInThisContext(`(authorization) => ({ ${text} })`) as (
  authorization: string,
) => Pick<ClientOptions, 'connectionParams' | 'shouldRetry' | 'retryAttempts'>;

/** graphql-ws with the options of the README. */
export function connectSocket(gateway: ClientsGateway): Client {
  const url = `${gateway.url.replace(/^http/, 'ws')}/graphql`;
  return createClient({ url, webSocketImpl: WebSocket, ...optionsFor(gateway.authorization) });
}
