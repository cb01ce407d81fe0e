import type { Client } from '@urql/core';
import type { ResultOf, VariablesOf } from 'gql.tada';
import { type Problem, problemOf } from '../parts/states.tsx';
import { currentSession } from '../session/session.ts';
import { graphql } from './graphql.ts';
import { followStream, type StreamState } from './stream.ts';

const MESSAGES = graphql(`
  query Messages($first: Int!, $after: String, $filter: MessageFilter) {
    messages(first: $first, after: $after, filter: $filter, orderBy: { field: DATE_CREATED, direction: DESC }) {
      nodes {
        sid from to body direction channelStatus channelErrorCode dateCreated stuck mappingSid enterpriseSid conversationSid
        enterprise { name }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);
const EVENTS = graphql(`
  subscription MessageEvents($after: String) {
    messageEvents(after: $after) {
      ... on Bookmark { cursor }
      ... on MessageEvent {
        cursor
        channelStatus
        message {
          sid from to body direction channelStatus channelErrorCode dateCreated stuck mappingSid enterpriseSid conversationSid
          enterprise { name }
        }
      }
    }
  }
`);

type MessagePage = ResultOf<typeof MESSAGES>['messages'];
export type MessageFilter = NonNullable<VariablesOf<typeof MESSAGES>['filter']>;
export type MessageRow = MessagePage['nodes'][number];

/** Messages as they are shown, newest first. */
interface Feed {
  readonly rows: readonly MessageRow[];
  /** Arrived while the reader was not at the top, newest first. */
  readonly waiting: readonly MessageRow[];
  readonly state: StreamState;
  readonly hasOlder: boolean;
  readonly isLoading: boolean;
  /** Why the list could not be read. */
  readonly problem?: Problem;
  /** Why nothing arrives live. */
  readonly refusal?: Problem;
  /** The rows may lack something, and are read again once the reader is at the top. */
  readonly hasChanged: boolean;
  /** The events since the last connection were gone, so everything was read again. */
  readonly wasLost: boolean;
}

const PAGE = 100;
/** How long to gather events before a filtered list is read again, in ms. */
const GATHER = 400;

/** How long the list waits for the stream before it is read without it, in ms. */
const PATIENCE = 2000;
/** How often a list of what is stuck is read again, in ms: that a message becomes stuck is no event. */
const LOOK = 10_000;

/** The filters that an event can be compared with. For others, the list is read again. */
const COMPARED: ReadonlySet<string> = new Set<keyof MessageFilter>(['enterpriseSid', 'mappingSid', 'conversationSid', 'direction']);

/** A list of messages that follows the event log. */
export class MessageFeed {
  #feed: Feed = { rows: [], waiting: [], state: 'connecting', hasOlder: false, isLoading: true, hasChanged: false, wasLost: false };
  readonly #client: Client;
  readonly #filter: MessageFilter;
  readonly #followers = new Set<() => void>();
  readonly #listeners = new Set<(sid: string) => void>();
  #stop: (() => void) | undefined;
  #endCursor: string | undefined;
  #isAtTop = true;
  #again: number | undefined;
  #timers: readonly number[] = [];
  /** Whether something happened since the last read began that the filter cannot be compared with. */
  #isStale = false;
  /** Ends the read under way. */
  #endRead: (() => void) | undefined;
  /** The messages of the events since the read under way began: its answer may be older. */
  readonly #meanwhile = new Map<string, MessageRow>();

  constructor(client: Client, filter: MessageFilter) {
    this.#client = client;
    this.#filter = filter;
  }

  readonly current = (): Feed => this.#feed;

  readonly follow = (changed: () => void): (() => void) => {
    this.#followers.add(changed);
    if (!this.#stop) this.#start();
    return () => {
      this.#followers.delete(changed);
      if (this.#followers.size > 0) return;
      this.#stop?.();
      this.#stop = undefined;
      this.#endRead?.();
      clearTimeout(this.#again);
      this.#again = undefined;
      this.#timers.forEach(clearTimeout);
    };
  };

  /** Calls a function with the sid of each message that has a new event. */
  readonly onEvent = (listener: (sid: string) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** Reads the next page, if there is one and none is being read. */
  loadOlder(): void {
    if (this.#feed.isLoading || !this.#feed.hasOlder) return;
    this.#set({ isLoading: true });
    this.#read(this.#endCursor, ({ nodes }) => {
      const known = new Set(this.#feed.rows.map(({ sid }) => sid));
      return { rows: [...this.#feed.rows, ...nodes.filter(({ sid }) => !known.has(sid))] };
    });
  }

  /** Reads the first page again. */
  reload(): void {
    this.#set({ problem: undefined });
    this.#readFirst();
  }

  /** Where the reader is: at the top, new messages are shown at once. */
  setAtTop(isAtTop: boolean): void {
    this.#isAtTop = isAtTop;
    if (isAtTop && this.#feed.waiting.length > 0) this.#set({ rows: [...this.#feed.waiting, ...this.#feed.rows], waiting: [] });
    if (isAtTop) this.#catchUp();
  }

  /** Reads the first page again. A problem stays until that succeeds. */
  #readFirst(): void {
    this.#isStale = false;
    this.#set({ isLoading: true, hasChanged: false });
    this.#read(undefined, ({ nodes }) => ({ rows: nodes, waiting: [], problem: undefined }));
  }

  #start(): void {
    let isFirst = true;
    let isRead = false;
    // A stream that is refused, or held back by a proxy, does not keep the list from being read.
    const readWithout = () => {
      if (!isRead) this.reload();
      isRead = true;
    };
    this.#timers = [
      window.setTimeout(readWithout, PATIENCE),
      ...(this.#filter.stuck === undefined ? [] : [window.setInterval(() => this.#look(), LOOK)]),
    ];
    this.#stop = followStream<ResultOf<typeof EVENTS>>({
      document: EVENTS,
      variables: {},
      onNext: ({ messageEvents: event }) => {
        // Read once the stream has begun, which it says by a bookmark: what happens in between comes by the stream.
        if (isFirst) this.reload();
        isFirst = false;
        isRead = true;
        if (this.#feed.refusal) this.#set({ refusal: undefined });
        if (event.__typename === 'MessageEvent') this.#take({ ...event.message, channelStatus: event.channelStatus });
        return event.cursor;
      },
      onState: (state) => {
        this.#set(state === 'live' ? { state, refusal: undefined } : { state });
        if (state === 'live') this.#catchUp();
      },
      onRefused: (refusal) => {
        this.#set({ refusal });
        readWithout();
      },
      onLost: () => {
        isFirst = true;
        this.#set({ wasLost: true });
      },
    });
  }

  /**
   * Reads a page, and then applies what has happened since. Ends the read before: urql would answer this one with that one's answer, which may be older.
   * @param withPage what a page changes
   */
  #read(after: string | undefined, withPage: (page: MessagePage) => Partial<Feed>): void {
    this.#endRead?.();
    this.#meanwhile.clear();
    const variables = { first: PAGE, after, filter: this.#filter };
    const { unsubscribe } = this.#client
      .query(MESSAGES, variables, { requestPolicy: 'network-only' })
      .subscribe(({ data, error, stale, operation }) => {
        if (stale) return;
        this.#endRead?.();
        if (error) {
          this.#set({ isLoading: false, problem: problemOf(error) });
          this.#isStale = true;
          // When the stream is live again, the network may be, or somebody has signed in again: by now, if this was asked with another token.
          if (operation.context.token === currentSession()?.token) return;
        }
        if (data) {
          const { endCursor, hasNextPage } = data.messages.pageInfo;
          this.#endCursor = endCursor ?? undefined;
          this.#set({ ...withPage(data.messages), hasOlder: hasNextPage, isLoading: false });
          for (const message of this.#meanwhile.values()) this.#place(message);
        }
        this.#catchUp();
      });
    this.#endRead = () => {
      unsubscribe();
      this.#endRead = undefined;
    };
  }

  #take(message: MessageRow): void {
    for (const listener of this.#listeners) listener(message.sid);
    if (this.#given().some(([name]) => !COMPARED.has(name))) {
      this.#readAgain();
      return;
    }
    if (this.#endRead) this.#meanwhile.set(message.sid, message);
    this.#place(message);
  }

  /** Puts a message where it belongs, if it does. */
  #place(message: MessageRow): void {
    const { rows, waiting } = this.#feed;
    const replaced = (list: readonly MessageRow[]) => list.map((row) => (row.sid === message.sid ? message : row));
    if (rows.some(({ sid }) => sid === message.sid)) this.#set({ rows: replaced(rows) });
    else if (waiting.some(({ sid }) => sid === message.sid)) this.#set({ waiting: replaced(waiting) });
    else if (this.#given().every(([name, value]) => message[name as 'direction'] === value) && this.#isNew(message)) this.#add(message);
  }

  #given = () => Object.entries(this.#filter).filter(([, value]) => value !== undefined);

  /** An older message that is not loaded yet has its place further down. */
  #isNew = ({ dateCreated }: MessageRow) => !this.#feed.hasOlder || dateCreated >= (this.#feed.rows.at(-1)?.dateCreated ?? '');

  #add(message: MessageRow): void {
    const { rows, waiting } = this.#feed;
    const add = (list: readonly MessageRow[]) => {
      const at = list.findIndex(({ dateCreated }) => dateCreated <= message.dateCreated);
      return at < 0 ? [...list, message] : [...list.slice(0, at), message, ...list.slice(at)];
    };
    if (this.#isAtTop) this.#set({ rows: add(rows) });
    else this.#set({ waiting: add(waiting) });
  }

  /** Reads the list again, unless the reader has scrolled, or sees another tab: whether anything has changed is not known. */
  #look(): void {
    if (!this.#isAtTop || document.hidden) return;
    this.#isStale = true;
    this.#catchUp();
  }

  /** Reads a filtered list again soon: whether a message belongs to it may have changed. */
  #readAgain(): void {
    this.#isStale = true;
    if (this.#again !== undefined) return;
    this.#again = window.setTimeout(() => {
      this.#again = undefined;
      this.#catchUp();
    }, GATHER);
  }

  /** Reads again what must be: not under a reader who has scrolled, and after the read under way, which events would end again and again. */
  #catchUp(): void {
    if (!this.#isStale || this.#endRead || this.#again !== undefined) return;
    if (this.#isAtTop) this.#readFirst();
    else this.#set({ hasChanged: true });
  }

  #set(change: Partial<Feed>): void {
    this.#feed = { ...this.#feed, ...change };
    for (const changed of this.#followers) changed();
  }
}
