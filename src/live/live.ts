import type { Logger } from 'pino';
import type { MappingImport, PrismaClient } from '../../prisma/client/client.ts';
import type { Caller } from '../domain/caller.ts';
import { decodeEventCursor } from '../domain/events/event-cursor.ts';
import { headOf, type MessageEventFilter } from '../domain/events/events.ts';
import { newestEvents } from '../domain/events/newest-events.ts';
import type { LogReader } from '../domain/events/read-events.ts';
import type { EventWithMessage } from '../domain/logged-event.ts';
import { normalizeSid } from '../domain/values/sid.ts';
import { bookmarkAt, filterWithBookmarks, type LiveUpdate } from './bookmarks.ts';
import { createBotHealth } from './bot-health.ts';
import { currentStatus, isTerminal } from './current-status.ts';
import { createFanOuts } from './fan-outs.ts';
import type { BotHealthUpdate } from './health-watch.ts';
import { createImportProgress } from './import-progress.ts';
import { createPrivateStreams } from './private-streams.ts';
import { type EventSelection, selectionOf } from './selection.ts';
import { type LiveEvent, withCursors } from './tail.ts';
import { createTails } from './tails.ts';
import { createUpdates, type Updates } from './updates.ts';

/** The streams of message events on this instance. */
export interface Live {
  /**
   * Subscribes to the caller's message events: after a cursor; or from now on, beginning with the `last` ones, or with a bookmark. Further bookmarks
   * follow while no event passes the filter.
   * @throws ConflictError CURSOR_INVALID, CURSOR_EXPIRED; InvalidInputError for `last` out of range
   */
  messageEvents(caller: Caller, filter: MessageEventFilter, after: string | undefined, last?: number | null): Promise<Updates<LiveUpdate>>;
  /**
   * Subscribes to one message's statuses, from the current one to a terminal one. The current one comes again while it does not change.
   * @throws NotFoundError MESSAGE_NOT_FOUND
   */
  messageStatus(caller: Caller, sid: string): Promise<Updates<LiveEvent>>;
  /**
   * Subscribes to an import's progress, from now to its next end: CHECKED, COMPLETED or FAILED, or that its link has expired without an upload. Its state
   * comes again while it does not change.
   * @throws NotFoundError IMPORT_NOT_FOUND
   */
  mappingImport(caller: Caller, sid: string): Promise<Updates<MappingImport>>;
  /**
   * Subscribes to the health of the caller's bots: first all that are unhealthy, then each change, and an update without bots while none changes.
   * @throws NotFoundError ENTERPRISE_NOT_FOUND
   */
  botHealth(caller: Caller, enterpriseSid?: string): Promise<Updates<BotHealthUpdate>>;
  /**
   * Reads the organization's log now: it may have grown.
   * @param event that it has grown by, if known
   */
  wake(organizationSid: string, event?: EventWithMessage): void;
  /** Looks for changes of the health of the organization's bots now. */
  wakeBotHealth(organizationSid: string): void;
  /** Reads every log, and looks for every change of a bot's health, now: any may have changed. */
  wakeAll(): void;
  /** How many streams are open. */
  readonly streams: number;
  /** How many streams have begun after a cursor. */
  readonly resumed: number;
  /** How many events the stream that is furthest behind its log's tail has still to take or send. */
  readonly behind: number;
  /** Ends all streams, and every new one at once. */
  stop(): void;
}

export interface LiveOptions {
  readonly prisma: PrismaClient;
  readonly sql: LogReader;
  /** Reads for one stream, in turn with the organization's other statements. Its tail, which all its streams share, reads out of turn. */
  readonly inTurn: (organizationSid: string) => LogReader;
  readonly log: Logger;
  /** How often logs, and the numbers of bots' health, are read without being woken, in ms. */
  readonly pollMs?: number;
  /** A bookmark, or in other streams the present state, comes after this long without an update, in ms. */
  readonly idleMs?: number;
  /** How many events may wait for a slow reader before its stream ends. */
  readonly bufferSize?: number;
}

/** Creates the streams of message events. All of an organization's streams share one tail; readers of equal results share a fan-out. */
export function createLive({ prisma, sql, inTurn, log, pollMs = 1000, idleMs = 15_000, bufferSize = 1000 }: LiveOptions): Live {
  const stopping = new AbortController();
  let resumed = 0;
  const imports = createImportProgress({ prisma, inTurn, log, idleMs, signal: stopping.signal });
  const botHealth = createBotHealth({ prisma, sql, inTurn, log, pollMs, idleMs, signal: stopping.signal });
  const tails = createTails({ sql, log, pollMs });
  const privateStreams = createPrivateStreams({ inTurn, tails, idleMs, bufferSize });
  const fanOuts = createFanOuts({
    tails,
    idleMs,
    bufferSize,
    openPrivate: (selection, after, missed) => follow(selection, [], after, missed),
  });

  /** Follows a selection by a private stream, until its reader has caught up and moves to a fan-out. */
  function follow(
    selection: EventSelection,
    first: readonly LiveUpdate[],
    after: bigint,
    missed?: readonly (readonly LiveEvent[])[],
  ): Updates<LiveUpdate> {
    const { organizationSid, head, passes } = selection;
    const stream = privateStreams.open(organizationSid, head, after, missed);
    const select = filterWithBookmarks(head.logId, after, passes);
    return createUpdates(first, stream, select, (renderer, reader) => fanOuts.join(selection, renderer, reader));
  }

  return {
    messageEvents: async (caller, filter, after, last) => {
      const head = await headOf(prisma, caller.organizationSid);
      const selection = selectionOf(caller, filter, head);
      if (after !== undefined) {
        const position = decodeEventCursor(after, head);
        resumed += 1;
        return follow(selection, [], position);
      }
      const { organizationSid, passes } = selection;
      const newest = withCursors(head.logId, await newestEvents(inTurn(organizationSid), organizationSid, head, last ?? 0, passes));
      const isAtHead = newest.at(-1)?.seq === head.seq;
      return follow(selection, isAtHead ? newest : [...newest, bookmarkAt(head.logId, head.seq)], head.seq);
    },
    messageStatus: async (caller, given) => {
      const sid = normalizeSid(given);
      const head = await headOf(prisma, caller.organizationSid);
      const current = await currentStatus(prisma, caller, head, sid);
      if (isTerminal(current)) return createUpdates([current]);
      // biome-ignore lint/complexity/useMathMinMax: Math.max takes no bigint
      const after = current.seq > head.seq ? current.seq : head.seq;
      return createUpdates([current], privateStreams.open(caller.organizationSid, head, after), untilTerminal(current, idleMs));
    },
    mappingImport: imports.follow,
    botHealth: botHealth.follow,
    wake: tails.wake,
    wakeBotHealth: botHealth.wake,
    wakeAll: () => {
      tails.wakeAll();
      botHealth.wakeAll();
    },
    get streams() {
      return privateStreams.size + fanOuts.readers;
    },
    get resumed() {
      return resumed;
    },
    get behind() {
      return Math.max(privateStreams.behind, fanOuts.behind);
    },
    stop: () => {
      stopping.abort();
      // First, so that the fan-outs' readers move to streams that end at once.
      privateStreams.stop();
      fanOuts.stop();
    },
  };
}

/**
 * Selects one message's events, up to its first terminal status. While it has none, the last one comes again: after an empty batch, or if other messages'
 * events keep batches from being empty.
 */
function untilTerminal(current: LiveEvent, idleMs: number) {
  let last = current;
  let lastUpdateAt = performance.now();
  return (events: readonly LiveEvent[]) => {
    const updates = events.filter(({ messageSid }) => messageSid === current.messageSid);
    const now = performance.now();
    // With the batch that an idle stream yields after `idleMs`, never longer apart than 4/3 of it.
    if (updates.length === 0 && (events.length === 0 || now - lastUpdateAt >= idleMs / 3)) updates.push(last);
    if (updates.length > 0) lastUpdateAt = now;
    last = updates.at(-1) ?? last;
    const end = updates.findIndex(isTerminal);
    return end === -1 ? { updates } : { updates: updates.slice(0, end + 1), isLast: true };
  };
}
