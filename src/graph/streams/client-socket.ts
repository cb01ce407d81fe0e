import type { Duplex } from 'node:stream';
import { CloseCode, MessageType, type Server, stringifyMessage } from 'graphql-ws';
import type { Logger } from 'pino';
import { WebSocket } from 'ws';
import type { CredentialWatch, Watched } from '../../admission/credential-watch.ts';
import type { Quota } from '../../admission/quota.ts';
import { actorOf, type Caller } from '../../domain/caller.ts';
import { type SocketStream, type StreamSocket, TakenOver } from './socket-stream.ts';

/** How many looks a client has to introduce itself. */
const INTRODUCTION = 5;
/** A client is sent a ping every so many looks. One that has not answered until the next is gone. */
const PING = 12;
/** How many pings of its own a client is answered between two looks. */
const MAX_CLIENT_PINGS = 20;
/** In bytes. A client that has so much to read still is not read itself; one that has as much as the second is cut where there is more for it. */
const PAUSE_ABOVE_BYTES = 1024 * 1024;
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;
/** RFC 6455, section 7.4.1. */
const TRY_AGAIN_LATER = 1013;
/** The messages that a server alone sends. */
const SERVERS_OWN = new Set<unknown>([MessageType.ConnectionAck, MessageType.Next, MessageType.Error]);
/** In bytes. With room for the sign that stands for a character which is cut. */
const LONGEST_REASON = 120;
const NONE: readonly SocketStream[] = [];

/**
 * A WebSocket with what is kept of its client, in the form that graphql-ws takes. There may be many thousands, which do nothing most of the time:
 * hardly any listener, closure, timer or promise is theirs alone.
 */
export class ClientSocket extends WebSocket implements StreamSocket {
  network: Duplex | undefined = undefined;
  streams = NONE;
  /** The credentials of the upgrade, until it introduces itself. */
  authorization: string | undefined = undefined;
  remoteAddress: string | undefined = undefined;
  isIntroduced = false;
  caller: Caller | undefined = undefined;
  #quota: Quota | undefined = undefined;
  #credentials: CredentialWatch | undefined = undefined;
  #isAlive = true;
  #ticks = 0;
  #pauses = 0;
  #clientPings = 0;
  #isBehind = false;
  #take: ((text: string) => Promise<void>) | undefined = undefined;
  #closed: ReturnType<Server['opened']> | undefined = undefined;
  #log: Logger | undefined = undefined;

  begin(protocol: Server<ClientSocket>, log: Logger): void {
    this.#log = log;
    this.#closed = protocol.opened(this, this);
  }

  /** Is the caller's from here on, until it closes or the credentials end. @returns false where it is one too many */
  admit(caller: Caller, quota: Quota, credentials: CredentialWatch): boolean {
    if (!quota.take(actorOf(caller))) return false;
    this.caller = kept(caller);
    this.#quota = quota;
    this.#credentials = credentials;
    credentials.watch(this as Watched);
    return true;
  }

  /** Reads nothing more from it meanwhile, but for what has come already. */
  async whilePaused<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#hold();
    try {
      return await work();
    } finally {
      this.#letGo();
    }
  }

  #hold(): void {
    this.#pauses += 1;
    this.pause();
  }

  #letGo(): void {
    this.#pauses -= 1;
    if (this.#pauses === 0) this.resume();
  }

  /** graphql-ws and streams send by this. Whoever asks for more than it reads would have all of it kept here. */
  override send(data: string, ...rest: unknown[]): void {
    if (this.bufferedAmount > MAX_BUFFERED_BYTES) {
      this.#log?.info('a socket is cut: its client does not read what it asked for');
      this.terminate();
    }
    super.send(data, ...(rest as [() => void]));
    if (this.#isBehind || this.bufferedAmount <= PAUSE_ABOVE_BYTES || !this.network) return;
    this.#isBehind = true;
    this.#hold();
    this.network.once('drain', () => {
      this.#isBehind = false;
      this.#letGo();
    });
  }

  /** A ping of the protocol's (not WebSocket's), which counts for no rate. graphql-ws leaves it to this. */
  onPing(payload: Record<string, unknown> | undefined): void {
    this.#clientPings += 1;
    if (this.#clientPings === MAX_CLIENT_PINGS) this.#hold();
    if (this.readyState === WebSocket.OPEN)
      this.send(stringifyMessage(payload ? { type: MessageType.Pong, payload } : { type: MessageType.Pong }));
  }

  /** The credentials have ended. */
  end(): void {
    this.close(CloseCode.Forbidden, 'Forbidden');
  }

  /** graphql-ws says who takes messages. */
  onMessage(take: (text: string) => Promise<void>): void {
    this.#take = take;
  }

  /** What ws tells comes here first, so that there need be no listeners. */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'message') this.#receive(String(args[0]));
    else if (event === 'pong') this.#isAlive = true;
    else if (event === 'close') this.#hasClosed(args[0] as number, String(args[1]));
    else if (event === 'error') {
      // What breaks RFC 6455 or is too large; ws closes the socket with the code for it.
      this.#log?.debug({ err: args[0] }, 'a socket failed');
      return true;
    }
    return super.emit(event, ...args);
  }

  /** graphql-ws repeats ids in its reasons, which may have any length: a close frame holds 123 bytes (RFC 6455, 5.5). */
  override close(code?: number, reason?: string | Buffer): void {
    super.close(code, typeof reason === 'string' ? Buffer.from(reason).subarray(0, LONGEST_REASON).toString() : reason);
  }

  #receive(text: string): void {
    this.#take?.(text).catch((reason: unknown) => {
      if (reason instanceof TakenOver) reason.stream.begin();
      // What graphql-ws throws at, it has parsed.
      else if (SERVERS_OWN.has(JSON.parse(text).type)) this.close(CloseCode.BadRequest, 'Invalid message received');
      else {
        if (this.readyState === WebSocket.OPEN) this.#log?.error({ err: reason }, 'unexpected error over a WebSocket');
        this.close(TRY_AGAIN_LATER, 'Try again later');
      }
    });
  }

  #hasClosed(code: number, reason: string): void {
    if (this.caller) {
      this.#credentials?.unwatch(this as Watched);
      this.#quota?.release(actorOf(this.caller));
    }
    this.#closed?.(code, reason).catch((error: unknown) => this.#log?.error({ err: error }, 'unexpected error as a WebSocket closed'));
  }

  /** Is done every second. */
  tick(): void {
    this.#ticks += 1;
    if (this.#clientPings >= MAX_CLIENT_PINGS) this.#letGo();
    this.#clientPings = 0;
    if (!this.isIntroduced && this.#ticks === INTRODUCTION) {
      this.close(CloseCode.ConnectionInitialisationTimeout, 'ClientSocket initialisation timeout');
    }
    if (this.#ticks % PING !== 0) return;
    if (this.#isAlive) this.ping();
    else this.terminate();
    this.#isAlive = false;
  }
}

/**
 * The same, as V8 keeps it in the least memory: objects whose properties are written down in one place share their layout, which those of a spread do
 * not, and an id that randomUUID has put together stays in its pieces. That would be 0.7 KiB for each socket.
 */
function kept(caller: Caller): Caller {
  const same: { readonly [Property in keyof Required<Caller>]: Caller[Property] } = {
    organizationSid: caller.organizationSid,
    accountSid: caller.accountSid,
    adminSid: caller.adminSid,
    permissions: caller.permissions,
    enterpriseSid: caller.enterpriseSid,
    credentialDigest: caller.credentialDigest,
    accessTokenSid: caller.accessTokenSid,
    expires: caller.expires,
    isStillValid: caller.isStillValid,
    requestId: Buffer.from(caller.requestId).toString(),
    remoteAddress: caller.remoteAddress,
  };
  return same;
}
