import { encodeEventCursor } from '../domain/events/event-cursor.ts';
import type { LiveEvent } from './tail.ts';
import type { SelectedUpdates } from './updates.ts';

/** A cursor without an event: the reader has all events up to it that pass its filter. */
export interface Bookmark {
  readonly bookmark: true;
  readonly cursor: string;
}
export type LiveUpdate = LiveEvent | Bookmark;

/** The minimum interval between two bookmarks while events arrive that the filter drops. */
const BOOKMARK_INTERVAL_MS = 1000;

export const bookmarkAt = (logId: string, seq: bigint): Bookmark => ({ bookmark: true, cursor: encodeEventCursor(logId, seq) });

/**
 * Creates the function that turns each batch of a log into a subscriber's updates: the events that pass its filter; or a bookmark, if none has
 * passed for a second or the batch is empty.
 * @param from the seq of the last event before the first batch
 */
export function filterWithBookmarks(logId: string, from: bigint, passes: (event: LiveEvent) => boolean) {
  let position = from;
  let lastUpdateAt = Number.NEGATIVE_INFINITY;
  return (events: readonly LiveEvent[]): SelectedUpdates<LiveUpdate> => {
    const updates: LiveUpdate[] = events.filter(passes);
    position = events.at(-1)?.seq ?? position;
    const now = performance.now();
    const isBookmarkDue = events.length === 0 || now - lastUpdateAt >= BOOKMARK_INTERVAL_MS;
    if (updates.length === 0 && isBookmarkDue) updates.push(bookmarkAt(logId, position));
    if (updates.length > 0) lastUpdateAt = now;
    return { updates };
  };
}
