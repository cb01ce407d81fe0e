import { PlatformError } from '../../domain/errors.ts';
import { parseJson } from '../../json.ts';
import type { RestcommApi } from './request.ts';
import { manage, unreadableError } from './responses.ts';

const PAGE_SIZE = 100;
const MAX_PAGES = 500;

/** Reads all items of one of Restcomm's lists. Parameters as for `pagesOf`. */
export async function* itemsOf(...list: Parameters<typeof pagesOf>): AsyncGenerator<unknown> {
  for await (const items of pagesOf(...list)) yield* items;
}

/**
 * Reads one of Restcomm's lists, page by page. A page is an object with its items at `key`, or in older versions an array of all. Pages are
 * numbered from 0 to num_pages = total / page size, rounded down, so the last may be empty; a page beyond it is a 400. `total` ignores the filter
 * by Status, so that pages may be empty before (SmsMessagesEndpoint and sms-messages.xml of RestComm/Restcomm-Connect).
 * @throws PlatformError if Restcomm refuses, does not respond, or has more than `maxPages` pages
 */
export async function* pagesOf(
  api: RestcommApi,
  path: readonly string[],
  key: string,
  query: Record<string, string>,
  maxPages = MAX_PAGES,
): AsyncGenerator<readonly unknown[]> {
  for (let page = 0; page < maxPages; page += 1) {
    const response = await manage(api, 'GET', path, { query: { ...query, Page: String(page), PageSize: String(PAGE_SIZE) } });
    const json = parseJson(response.text);
    if (Array.isArray(json)) {
      yield json;
      return;
    }
    const { [key]: items, num_pages: last } = Object(json) as Record<string, unknown>;
    if (!Array.isArray(items)) throw unreadableError(response);
    yield items;
    if (items.length === 0 || !(page < Number(last))) return;
  }
  throw new PlatformError("Restcomm's list has too many pages", { detail: path.join('/') });
}
