import { invalidParameter } from '../input.ts';
import { MAX_PAGE_SIZE } from '../lists/keyset.ts';
import type { EventWithMessage, LoggedEvent } from '../logged-event.ts';
import type { LogHead } from './events.ts';
import { type LogReader, readEventsWithMessages } from './read-events.ts';

/** How many of the log's last events are searched at most, and by one statement. A narrow filter may thus find fewer than it could. */
const MAX_SEARCHED = 5000;
const BATCH = 500;

/**
 * Reads the newest events up to the head that pass a filter, in the log's order.
 * @param count 0 to 100
 * @throws InvalidInputError INVALID_PARAMETER for any other count
 */
export async function newestEvents(
  sql: LogReader,
  organizationSid: string,
  head: LogHead,
  count: number,
  passes: (event: LoggedEvent) => boolean,
): Promise<EventWithMessage[]> {
  if (count < 0 || count > MAX_PAGE_SIZE) throw invalidParameter(['last'], `must be from 0 to ${MAX_PAGE_SIZE}`, count);
  let newest: EventWithMessage[] = [];
  // The log's numbers have no gaps, so that it can be read backwards by them.
  for (let searched = 0; newest.length < count && searched < MAX_SEARCHED; searched += BATCH) {
    const end = head.seq - BigInt(searched);
    const begin = end - BigInt(BATCH);
    if (end <= head.trimmed) break;
    const events = await readEventsWithMessages(sql, organizationSid, begin > head.trimmed ? begin : head.trimmed, BATCH);
    newest = [...events.filter((event) => event.seq <= end && passes(event)), ...newest];
  }
  return count === 0 ? [] : newest.slice(-count);
}
