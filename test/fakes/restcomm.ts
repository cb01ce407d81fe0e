import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AnswerFault, Faults, type SendFault } from './restcomm-faults.ts';
import { type RouteAnswer, routeOf } from './restcomm-routes.ts';
import { type FakeAccount, type FakeMessage, type FakeRequest, FakeState, md5, sidOf } from './restcomm-state.ts';
import { createWebhooks, type Dialect, type ReceivedSms, type SmsDelivery } from './restcomm-webhooks.ts';

export interface FakeRestcommOptions {
  /** The account's numbers, with a leading +. */
  readonly numbers?: readonly string[];
  /** Sent messages move on by themselves; else only by `report`. */
  readonly progress?: 'auto' | 'manual';
  /** How its webhooks are called. */
  readonly fetch?: typeof globalThis.fetch;
  /** How long it waits for a webhook's answer: Restcomm's 6 s. */
  readonly waitMs?: number;
}

/**
 * A Restcomm platform on loopback, over real HTTP. All of its state is there to be read, and changed. Sent messages are reported `sent`, then
 * `delivered`; to numbers ending in 0 `failed` with 30003.
 */
export interface FakeRestcomm
  extends Pick<FakeState, 'accounts' | 'numbers' | 'messages' | 'requests' | 'callbacks' | 'until'>,
    Pick<FakeAccount, 'authToken'> {
  /** As RESTCOMM_URL takes it. */
  readonly url: string;
  readonly accountSid: string;
  /** The account's, and its sub-accounts'. */
  readonly organizationSid: string;
  readonly faults: Faults;
  readonly dialect: Dialect;
  /** How this Restcomm was set up, and how old it is. Tests may change it at any time. */
  readonly version: Pick<FakeState, 'cuts' | 'sorts'>;
  addNumber(phoneNumber: string): void;
  /** Moves a sent message on and calls back; resolves when the webhook has answered. */
  report(messageSid: string, status: FakeMessage['status'], errorCode?: number): Promise<void>;
  /** An SMS, or MMS, from a phone; resolves when the webhook has answered. */
  receiveSms(sms: ReceivedSms): Promise<SmsDelivery>;
  close(): Promise<void>;
}

const BASE = '/restcomm/2012-04-24';

export async function startFakeRestcomm(options: FakeRestcommOptions = {}): Promise<FakeRestcomm> {
  const { numbers = [], progress = 'auto', fetch = globalThis.fetch, waitMs = 6_000 } = options;
  const state = new FakeState();
  const faults = new Faults();
  const dialect: Dialect = { callbacks: true, statusField: 'MessageStatus', errorCode: 'name' };
  const email = 'gateway@provider.example';
  const organizationSid = sidOf('OR');
  const main: FakeAccount = {
    sid: `AC${md5(email)}`,
    email,
    friendlyName: 'Gateway',
    organizationSid,
    authToken: sidOf(''),
    status: 'active',
  };
  state.accounts.set(main.sid, main);
  const webhooks = createWebhooks(state, faults, dialect, { accountSid: main.sid, fetch, waitMs });

  function addNumber(phoneNumber: string): void {
    const unset = { smsUrl: null, smsMethod: 'POST', smsFallbackUrl: null, smsFallbackMethod: 'POST', smsApplicationSid: null };
    state.numbers.push({ sid: sidOf('PN'), phoneNumber, ...unset });
  }
  numbers.forEach(addNumber);

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await read(incoming);
    state.requests.push(request);
    state.changed();
    const route = routeOf(request.method, request.path);
    const fault: SendFault = (route && faults.take(route.place)) ?? {};
    if (fault.reset === 'before') return cut(incoming);

    // As where Restcomm waits for its session: the record is made whether or not the client is still there.
    if (fault.later !== undefined && fault.reset === 'after') cut(incoming);
    await wait(fault.later);
    const taken = fault.status === undefined || fault.taken;
    const answer: RouteAnswer = taken ? answerTo(state, request) : { status: 0 };
    state.changed();
    const { sent } = answer;
    const carry = async () => {
      if (sent && progress === 'auto') await webhooks.carry(sent);
    };
    if (fault.early) await carry();
    await wait(fault.delay);
    if (incoming.socket.destroyed) response.destroy();
    else if (fault.reset === 'after') cut(incoming);
    else write(response, answer, fault);
    if (!fault.early) await carry();
  }

  const server = createServer((incoming, response) => {
    handle(incoming, response).catch((error) => response.destroy(error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${BASE}`,
    accountSid: main.sid,
    organizationSid,
    authToken: main.authToken,
    accounts: state.accounts,
    numbers: state.numbers,
    messages: state.messages,
    requests: state.requests,
    callbacks: state.callbacks,
    until: state.until.bind(state),
    faults,
    dialect,
    version: state,
    addNumber,
    report: async (messageSid, status, errorCode) => {
      const message = state.messages.find(({ sid }) => sid === messageSid);
      if (!message) throw new Error(`The fake Restcomm has no message ${messageSid}`);
      await webhooks.report(message, status, errorCode);
    },
    receiveSms: webhooks.receive,
    close: async () => {
      webhooks.close();
      const ended = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await ended;
    },
  };
}

async function read(incoming: IncomingMessage): Promise<FakeRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const url = new URL(incoming.url ?? '/', 'http://restcomm');
  const [, basic = ''] = /^Basic (.+)$/.exec(incoming.headers.authorization ?? '') ?? [];
  const [user = '', password = ''] = Buffer.from(basic, 'base64').toString().split(/:(.*)/s);
  return {
    method: incoming.method ?? '',
    headers: incoming.headers,
    path: url.pathname.startsWith(BASE) ? url.pathname.slice(BASE.length) : url.pathname,
    query: Object.fromEntries(url.searchParams),
    form: Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString())),
    user,
    password,
  };
}

function answerTo(state: FakeState, request: FakeRequest): RouteAnswer {
  const { user, password } = request;
  const caller = state.accounts.get(user);
  if (!caller || (password !== caller.authToken && password !== caller.password)) return { status: 401 };
  if (caller.status === 'suspended' || caller.status === 'closed') return { status: 403 };
  return routeOf(request.method, request.path)?.answer(state, caller, request) ?? { status: 404 };
}

async function wait(until: number | Promise<unknown> = 0): Promise<void> {
  if (typeof until === 'number') await sleep(until, undefined, { ref: false });
  else await until.catch(() => {});
}

function cut(incoming: IncomingMessage): void {
  incoming.socket.resetAndDestroy();
}

function write(response: ServerResponse, answer: RouteAnswer, fault: AnswerFault): void {
  const { status = answer.status, headers = {} } = fault;
  const body = fault.body ?? (fault.status === undefined && answer.json ? JSON.stringify(answer.json, null, 2) : (answer.body ?? ''));
  response.writeHead(status, { 'content-type': answer.json ? 'application/json' : 'text/plain', ...headers });
  response.end(body);
}
