import type { Duplex } from 'node:stream';
import { CloseCode, MessageType, type Server, stringifyMessage } from 'graphql-ws';
import type { Logger } from 'pino';
import { WebSocket } from 'ws';
import type { CredentialWatch, Watched } from '../../admission/credential-watch.ts';
import type { CallerQuota } from '../../admission/quota.ts';
import type { Caller } from '../../domain/caller.ts';
import { type SocketStream, type StreamSocket, TakenOver } from './socket-stream.ts';

/** How often `tick` is called, in ms. */
export const TICK_MS = 1000;
/** Ticks within which a client must send connection_init. */
const MAX_INIT_TICKS = 5;
/** Ticks between WebSocket pings. A client that has not answered one by the next is disconnected. */
const PING_TICKS = 12;
/** A client's own pings between two ticks. After that many, nothing is read until the next tick. */
const MAX_CLIENT_PINGS = 20;
/** Limits on unsent data, in bytes. Above the first, nothing is read from the client until it has read; above the second, it is disconnected. */
const PAUSE_ABOVE_BYTES = 1024 * 1024;
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;
/** Close code 1013 of the IANA registry (RFC 6455, 11.7). Unlike after graphql-ws's 4403, clients reconnect. */
export const TRY_AGAIN_LATER = 1013;
/** Messages that only servers send. */
const SERVER_MESSAGES = new Set<unknown>([MessageType.ConnectionAck, MessageType.Next, MessageType.Error]);
/** A close frame has at most 123 bytes of reason (RFC 6455, 5.5). Cutting within a character adds up to two: U+FFFD has three bytes. */
const MAX_REASON_BYTES = 120;
const NO_STREAMS: readonly SocketStream[] = [];
const NO_TRACE = { traceparent: null, tracestate: null };

/**
 * A client's WebSocket, as graphql-ws uses it. There may be thousands of idle sockets, so none has listeners, closures, timers or pending promises of
 * its own, as far as possible.
 */
export class ClientSocket extends WebSocket implements StreamSocket {
  network: Duplex | undefined = undefined;
  streams = NO_STREAMS;
  /** The upgrade's Authorization, until connection_init. */
  authorization: string | undefined = undefined;
  remoteAddress: string | undefined = undefined;
  /** Whether a page of another site has opened it. */
  isOtherSite = false;
  hasSentInit = false;
  /** Whether the results of its operations have their cost. */
  asksForCost = false;
  /** The trace that its operations continue, unless they name another one. */
  trace: { readonly traceparent: string | null; readonly tracestate: string | null } = NO_TRACE;
  caller: Caller | undefined = undefined;
  #quota: CallerQuota | undefined = undefined;
  #credentials: CredentialWatch | undefined = undefined;
  #isAlive = true;
  #ticks = 0;
  #pauses = 0;
  #clientPings = 0;
  #isBehind = false;
  #handleMessage: ((text: string) => Promise<void>) | undefined = undefined;
  #handleClose: ReturnType<Server['opened']> | undefined = undefined;
  #log: Logger | undefined = undefined;

  begin(protocol: Server<ClientSocket>, log: Logger): void {
    this.#log = log;
    this.#handleClose = protocol.opened(this, this);
  }

  /**
   * Gives the socket to a caller, until it closes or the credentials end.
   * @returns the limit that the caller's open sockets have reached, if they have
   */
  admit(caller: Caller, quota: CallerQuota, credentials: CredentialWatch): ReturnType<CallerQuota['take']> {
    const reached = quota.take(caller);
    if (reached) return reached;
    this.caller = compact(caller);
    this.#quota = quota;
    this.#credentials = credentials;
    credentials.watch(this as Watched);
    return undefined;
  }

  /** Runs `work` while nothing more is read from the socket. */
  async whilePaused<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#pauseOnce();
    try {
      return await work();
    } finally {
      this.#resumeOnce();
    }
  }

  /** Pauses nest: the socket is read again after as many `#resumeOnce`. */
  #pauseOnce(): void {
    this.#pauses += 1;
    this.pause();
  }

  #resumeOnce(): void {
    this.#pauses -= 1;
    if (this.#pauses === 0) this.resume();
  }

  /** Sends a message of graphql-ws or a stream. Data that a slow client does not read stays in memory, so it is bounded. */
  override send(data: string, ...rest: unknown[]): void {
    if (this.bufferedAmount > MAX_BUFFERED_BYTES) {
      this.#log?.info('disconnected a WebSocket client that does not read its messages');
      this.terminate();
    }
    super.send(data, ...(rest as [() => void]));
    if (this.#isBehind || this.bufferedAmount <= PAUSE_ABOVE_BYTES || !this.network) return;
    this.#isBehind = true;
    this.#pauseOnce();
    this.network.once('drain', () => {
      this.#isBehind = false;
      this.#resumeOnce();
    });
  }

  /** Called by graphql-ws for a ping message of its protocol, which counts for no rate limit. */
  onPing(payload: Record<string, unknown> | undefined): void {
    this.#clientPings += 1;
    if (this.#clientPings === MAX_CLIENT_PINGS) this.#pauseOnce();
    if (this.readyState === WebSocket.OPEN)
      this.send(stringifyMessage(payload ? { type: MessageType.Pong, payload } : { type: MessageType.Pong }));
  }

  /** Called when the credentials have become invalid. After this code, graphql-ws's client does not connect again with the same ones. */
  end(): void {
    this.close(CloseCode.Unauthorized, 'Your credentials are no longer valid');
  }

  /** Called by graphql-ws with its handler of messages. */
  onMessage(handle: (text: string) => Promise<void>): void {
    this.#handleMessage = handle;
  }

  /** ws emits every event here first, so no listeners are needed. */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'message') this.#receive(String(args[0]));
    else if (event === 'pong') this.#isAlive = true;
    else if (event === 'close') this.#closed(args[0] as number, String(args[1]));
    else if (event === 'error') {
      // A frame that violates RFC 6455 or is too large: ws closes the socket with the right code.
      this.#log?.debug({ err: args[0] }, 'a WebSocket failed');
      return true;
    }
    return super.emit(event, ...args);
  }

  /** Shortens graphql-ws's reasons, which quote ids of any length. */
  override close(code?: number, reason?: string | Buffer): void {
    super.close(code, typeof reason === 'string' ? Buffer.from(reason).subarray(0, MAX_REASON_BYTES).toString() : reason);
  }

  #receive(text: string): void {
    this.#handleMessage?.(text).catch((reason: unknown) => {
      if (reason instanceof TakenOver) reason.stream.begin();
      // graphql-ws has parsed the message when it throws.
      else if (SERVER_MESSAGES.has(JSON.parse(text).type)) this.close(CloseCode.BadRequest, 'Invalid message received');
      else {
        if (this.readyState === WebSocket.OPEN) this.#log?.error({ err: reason }, 'unexpected error over a WebSocket');
        this.close(TRY_AGAIN_LATER, 'Try again later');
      }
    });
  }

  #closed(code: number, reason: string): void {
    if (this.caller) {
      this.#credentials?.unwatch(this as Watched);
      this.#quota?.release(this.caller);
    }
    this.#handleClose?.(code, reason).catch((error: unknown) => this.#log?.error({ err: error }, 'unexpected error as a WebSocket closed'));
  }

  /** Called every `TICK_MS`: checks for connection_init, resumes reading, sends pings. */
  tick(): void {
    this.#ticks += 1;
    if (this.#clientPings >= MAX_CLIENT_PINGS) this.#resumeOnce();
    this.#clientPings = 0;
    if (!this.hasSentInit && this.#ticks === MAX_INIT_TICKS) {
      this.close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout');
    }
    if (this.#ticks % PING_TICKS !== 0) return;
    if (this.#isAlive) this.ping();
    else this.terminate();
    this.#isAlive = false;
  }
}

/**
 * A copy of a caller that takes less memory, by 0.7 KiB for each socket. In V8, objects from one literal share a layout, which those made by a spread
 * do not, and the string of randomUUID keeps its pieces until it is copied.
 */
function compact(caller: Caller): Caller {
  const copy: { readonly [Property in keyof Required<Caller>]: Caller[Property] } = {
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
  return copy;
}
