import { statementNames } from '../../src/database/postgres/statement-names.ts';
import { smsWebhook } from '../../src/domain/mappings/webhooks.ts';
import { authorizationOf } from '../support/credentials.ts';
import type { Customer, TestExchange } from '../support/exchange.ts';
import { restClient } from '../support/rest.ts';
import { graphqlWs, MESSAGE_EVENTS } from '../support/transports.ts';

/** What came of asking at a door. */
export interface Answer {
  readonly door: string;
  /** Of HTTP; of a WebSocket the code it was closed with, or 200 where it answered. */
  readonly status: number | undefined;
  readonly retryAfter?: string | null;
  /** In the face's own form: the envelope's `errorCode`, or the code of the graph's first error. */
  readonly code?: unknown;
  readonly ms: number;
}

/** Where a gateway listens, and for whom. */
export interface House extends Pick<TestExchange, 'gateway' | 'microsoft'> {
  readonly url: string;
  readonly customer: Customer;
}

type Asked = Omit<Answer, 'door' | 'ms'>;

const nameOf = statementNames();
nameOf('COMMIT');
/** What is sent of a COMMIT, but for the first: the name of the prepared statement. */
export const COMMIT = nameOf('COMMIT');

export const SEND =
  'mutation ($input: SendMessageInput!) { result: sendMessage(input: $input) { __typename ... on SendMessageSuccess { sentMessage { sid } } } }';

const credentialsOf = ({ provider }: Customer) => ({ user: provider.accountSid, password: provider.authToken });

async function graph({ url, customer }: House, query: string, variables: object = {}, accept = 'application/json'): Promise<Asked> {
  const headers = { authorization: authorizationOf(credentialsOf(customer)), 'content-type': 'application/json', accept };
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  const { errors } = await response.json();
  return { status: response.status, retryAfter: response.headers.get('retry-after'), code: errors?.[0]?.extensions?.code };
}

/** Until a stream's first answer, or the refusal of one. */
async function overSse({ url, customer }: House): Promise<Asked> {
  const headers = { authorization: authorizationOf(credentialsOf(customer)), accept: 'text/event-stream' };
  const response = await fetch(`${url}/graphql?${new URLSearchParams({ query: MESSAGE_EVENTS })}`, { headers });
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (/^data: .*\n/m.test(text)) break;
  }
  const { errors } = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? text);
  return { status: response.status, retryAfter: response.headers.get('retry-after'), code: errors?.[0]?.extensions?.code };
}

/** Through the client that holds every answer against the OpenAPI document. */
async function rest({ url, customer }: House, method: string, path: string, body?: object): Promise<Asked> {
  const asking = (request: Request) => fetch(new Request(request.url.replace('http://gateway.test', url), request));
  const answer = await restClient(asking, credentialsOf(customer)).request(method, path, { body });
  return { status: answer.status, retryAfter: answer.headers.get('retry-after'), code: answer.body.errorCode };
}

async function overWebSocket({ url, customer }: House): Promise<Asked> {
  const { ended, code, errors } = await graphqlWs
    .subscribe({ url, provider: customer.provider }, '{ enterprises { totalCount } }', {})
    .hasEnded();
  return { status: ended === 'cut' ? code : 200, code: errors[0]?.extensions?.code };
}

async function webhook({ gateway, customer }: House): Promise<Asked> {
  const body = new URLSearchParams({ SmsSid: `SM${Math.random()}`, From: '+49301', To: customer.number, Body: 'Hello' });
  const response = await fetch(smsWebhook(gateway, customer.mappingSid), { method: 'POST', body });
  await response.text();
  return { status: response.status, retryAfter: response.headers.get('retry-after') };
}

async function activity({ url, microsoft, customer }: House): Promise<Asked> {
  const said = microsoft.activityFrom(customer.bot, customer.user, '+49302 Hello');
  const headers = { 'content-type': 'application/json', authorization: await microsoft.signActivity(said) };
  const response = await fetch(`${url}/api/messages`, { method: 'POST', headers, body: JSON.stringify(said) });
  await response.text();
  return { status: response.status, retryAfter: response.headers.get('retry-after') };
}

const doors: Readonly<Record<string, (house: House) => Promise<Asked>>> = {
  'a query': (house) => graph(house, '{ enterprises { nodes { sid } } }'),
  'a query of GraphQL over HTTP': (house) => graph(house, '{ mappings { nodes { sid } } }', {}, 'application/graphql-response+json'),
  'a mutation': (house) => graph(house, SEND, { input: { mappingSid: house.customer.mappingSid, to: '+49303', body: 'Hello' } }),
  'an SSE stream': overSse,
  'a WebSocket': overWebSocket,
  'a REST read': (house) => rest(house, 'GET', '/msteams/mappings/search'),
  'a REST change': (house) => rest(house, 'PUT', `/msteams/enterprises/${house.customer.enterpriseSid}`, { name: `N${Math.random()}` }),
  "the carrier's webhook": webhook,
  "the bot's endpoint": activity,
};

/** Asks at every door at once. */
export function askEverywhere(house: House): Promise<Answer[]> {
  return Promise.all(
    Object.entries(doors).map(async ([door, ask]) => {
      const began = performance.now();
      const asked = await ask(house);
      return { door, ...asked, ms: Math.round(performance.now() - began) };
    }),
  );
}
