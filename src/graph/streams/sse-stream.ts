import { GraphQLError } from 'graphql';
import type { CredentialWatch, Watched } from '../../admission/credential-watch.ts';
import type { Caller } from '../../domain/caller.ts';
import type { RenderedStream, ResultSink } from '../../live/render.ts';
import type { Rendered } from '../../live/updates.ts';
import { type Outlet, SharedBytes, type StreamBody } from '../../server/stream-response.ts';
import type { PreparedOperation } from './prepared.ts';

/** How often an idle stream sends a comment, so that proxies keep the connection open, in ms. */
const HEARTBEAT_MS = 15_000;
const HEARTBEAT = new SharedBytes(':\n\n');

/** The last event of a stream that is complete. */
export const COMPLETE = 'event: complete\ndata:\n\n';

/** By results: they are encoded once for all streams. Collected with the results. */
const eventsByResults = new WeakMap<readonly Rendered[], SharedBytes>();

/** A subscription as server-sent events. It reads results by itself until it has caught up; then a fan-out passes them to it. */
export class SseStream implements StreamBody, ResultSink, Watched {
  readonly caller: Caller;
  readonly #subscription: PreparedOperation;
  readonly #results: RenderedStream;
  readonly #isDraining: () => boolean;
  readonly #credentials: CredentialWatch;
  #outlet: Outlet | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  /** What it ended with, if it has. */
  #last: string | undefined;

  constructor(subscription: PreparedOperation, results: RenderedStream, isDraining: () => boolean, credentials: CredentialWatch) {
    this.caller = subscription.caller;
    this.#subscription = subscription;
    this.#results = results;
    this.#isDraining = isDraining;
    this.#credentials = credentials;
    credentials.watch(this);
  }

  begin(outlet: Outlet): void {
    this.#outlet = outlet;
    outlet.write(HEARTBEAT);
    if (this.#last !== undefined) {
      outlet.end(this.#last);
      return;
    }
    outlet.onClose(() => this.discard());
    this.#heartbeat = setInterval(() => outlet.isBehind || outlet.write(HEARTBEAT), HEARTBEAT_MS);
    void this.#send();
  }

  take(results: readonly Rendered[]): boolean {
    const outlet = this.#outlet;
    if (!outlet || outlet.isBehind) return false;
    outlet.writeShared(eventsOf(results));
    return true;
  }

  resume(): void {
    void this.#send();
  }

  /** The credentials have become invalid. */
  end(): void {
    this.#finish(errorsEvent([unauthenticated()]));
  }

  discard(): void {
    if (this.#last !== undefined) return;
    this.#last = '';
    this.#credentials.unwatch(this);
    clearInterval(this.#heartbeat);
    void this.#results.return();
  }

  async #send(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#results.next();
        if (this.#last !== undefined) return;
        if (done) break;
        // The next result for a slow client is rendered only when this one is handed to the network.
        await new Promise<void>((resolve) => this.#outlet?.write(eventsOf([value]), resolve));
        if (this.#results.share(this)) return;
      }
      this.#finish('');
    } catch (error) {
      this.#finish(errorsEvent([this.#subscription.maskError(error)]));
    }
  }

  /** Ends it. @param events the last but `complete` */
  #finish(events: string): void {
    if (this.#last !== undefined) return;
    this.discard();
    this.#last = `${events}${this.#isDraining() ? '' : COMPLETE}`;
    this.#outlet?.end(this.#last);
  }
}

const unauthenticated = () => new GraphQLError('Your credentials are no longer valid', { extensions: { code: 'UNAUTHENTICATED' } });

function eventsOf(results: readonly Rendered[]): SharedBytes {
  let events = eventsByResults.get(results);
  if (!events) {
    events = new SharedBytes(results.map(nextEvent).join(''));
    eventsByResults.set(results, events);
  }
  return events;
}

const nextEvent = ({ json, cursor }: Rendered) => `${cursor ? `id: ${cursor}\n` : ''}event: next\ndata: ${json}\n\n`;

/** The event of errors. */
export const errorsEvent = (errors: readonly GraphQLError[], cost?: object) =>
  `event: next\ndata: ${JSON.stringify({ errors, extensions: cost && { cost } })}\n\n`;
