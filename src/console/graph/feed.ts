import type { Client } from '@urql/core';
import type { ResultOf, VariablesOf } from 'gql.tada';
import { type Problem, problemOf } from '../parts/states.tsx';
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

type MessageFilter = NonNullable<VariablesOf<typeof MESSAGES>['filter']>;
export type MessageRow = ResultOf<typeof MESSAGES>['messages']['nodes'][number];

/** Messages as they are shown, newest first. */
interface Feed {
  readonly rows: readonly MessageRow[];
  /** Arrived while the reader was not at the top, newest first. */
  readonly waiting: readonly MessageRow[];
  readonly state: StreamState;
  readonly hasOlder: boolean;
  readonly isLoading: boolean;
  readonly problem?: Problem;
  /** The events since the last connection were gone, so everything was read again. */
  readonly wasLost: boolean;
}

const PAGE = 100;
/** How long to gather events before a filtered list is read again, in ms. */
const GATHER = 400;

/** The filters that an event can be compared with. For others, the list is read again. */
const COMPARED: ReadonlySet<string> = new Set<keyof MessageFilter>(['enterpriseSid', 'mappingSid', 'conversationSid', 'direction']);

/** A list of messages that follows the event log. */
export class MessageFeed {
  #feed: Feed = { rows: [], waiting: [], state: 'connecting', hasOlder: false, isLoading: true, wasLost: false };
  readonly #client: Client;
  readonly #filter: MessageFilter;
  readonly #followers = new Set<() => void>();
  readonly #listeners = new Set<(sid: string) => void>();
  #stop: (() => void) | undefined;
  #endCursor: string | undefined;
  #isAtTop = true;
  #again: number | undefined;
  /** Counts what was read anew, so that an older answer does not replace a newer one. */
  #reading = 0;

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
      clearTimeout(this.#again);
    };
  };

  /** Calls a function with the sid of each message that has a new event. */
  readonly onEvent = (listener: (sid: string) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** Reads the next page, if there is one and it is not being read. */
  async loadOlder(): Promise<void> {
    if (this.#feed.isLoading || !this.#feed.hasOlder) return;
    this.#set({ isLoading: true });
    const reading = this.#reading;
    const page = await this.#read(this.#endCursor);
    if (reading !== this.#reading) return;
    if (!page) return;
    const known = new Set(this.#feed.rows.map(({ sid }) => sid));
    this.#endCursor = page.pageInfo.endCursor ?? undefined;
    this.#set({
      rows: [...this.#feed.rows, ...page.nodes.filter(({ sid }) => !known.has(sid))],
      hasOlder: page.pageInfo.hasNextPage,
      isLoading: false,
    });
  }

  /** Reads the first page again. */
  async reload(): Promise<void> {
    this.#reading += 1;
    const reading = this.#reading;
    this.#set({ isLoading: true, problem: undefined });
    const page = await this.#read(undefined);
    if (!page || reading !== this.#reading) return;
    this.#endCursor = page.pageInfo.endCursor ?? undefined;
    this.#set({ rows: page.nodes, waiting: [], hasOlder: page.pageInfo.hasNextPage, isLoading: false });
  }

  /** Where the reader is: at the top, new messages are shown at once. */
  setAtTop(isAtTop: boolean): void {
    this.#isAtTop = isAtTop;
    if (isAtTop && this.#feed.waiting.length > 0) this.#set({ rows: [...this.#feed.waiting, ...this.#feed.rows], waiting: [] });
  }

  #start(): void {
    let isFirst = true;
    this.#stop = followStream<ResultOf<typeof EVENTS>>({
      document: EVENTS,
      variables: {},
      onNext: ({ messageEvents: event }) => {
        // Read once the stream has begun, which it says by a bookmark: what happens in between comes by the stream.
        if (isFirst) void this.reload();
        isFirst = false;
        if (event.__typename === 'MessageEvent') this.#take({ ...event.message, channelStatus: event.channelStatus });
        return event.cursor;
      },
      onState: (state) => this.#set({ state }),
      onLost: () => {
        isFirst = true;
        this.#set({ wasLost: true });
      },
    });
  }

  async #read(after: string | undefined) {
    const variables = { first: PAGE, after, filter: this.#filter };
    const { data, error } = await this.#client.query(MESSAGES, variables, { requestPolicy: 'network-only' }).toPromise();
    if (error) this.#set({ isLoading: false, problem: problemOf(error) });
    return data?.messages;
  }

  #take(message: MessageRow): void {
    for (const listener of this.#listeners) listener(message.sid);
    const filters = Object.entries(this.#filter).filter(([, value]) => value !== undefined);
    if (filters.some(([name]) => !COMPARED.has(name))) {
      this.#readAgain();
      return;
    }
    const { rows, waiting } = this.#feed;
    const replaced = (list: readonly MessageRow[]) => list.map((row) => (row.sid === message.sid ? message : row));
    if (rows.some(({ sid }) => sid === message.sid)) this.#set({ rows: replaced(rows) });
    else if (waiting.some(({ sid }) => sid === message.sid)) this.#set({ waiting: replaced(waiting) });
    else if (filters.every(([name, value]) => message[name as 'direction'] === value) && this.#isNew(message)) this.#add(message);
  }

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

  /** Reads a filtered list again soon: whether a message belongs to it may have changed. Not under a reader who has scrolled. */
  #readAgain(): void {
    if (this.#again !== undefined) return;
    this.#again = window.setTimeout(() => {
      this.#again = undefined;
      if (this.#isAtTop) void this.reload();
    }, GATHER);
  }

  #set(change: Partial<Feed>): void {
    this.#feed = { ...this.#feed, ...change };
    for (const changed of this.#followers) changed();
  }
}
