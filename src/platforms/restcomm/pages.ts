import { PlatformError } from '../../domain/errors.ts';
import { jsonOf, manage, unreadable } from './answers.ts';
import type { RestcommRequest } from './request.ts';

const PAGE_SIZE = 100;
const MAX_PAGES = 500;

/**
 * Everything in one of Restcomm's lists: a page object whose items are at `key`, or a plain array in its older versions.
 * It counts pages from 0 to num_pages = total / page size, rounded down, so the last may be empty; a page beyond it is a 400.
 * @throws PlatformError
 */
export async function* itemsOf(
  ask: RestcommRequest,
  path: readonly string[],
  key: string,
  query: Record<string, string>,
): AsyncGenerator<unknown> {
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await manage(ask, 'GET', path, { query: { ...query, Page: String(page), PageSize: String(PAGE_SIZE) } });
    const json = jsonOf(answer.text);
    if (Array.isArray(json)) {
      yield* json;
      return;
    }
    const { [key]: items, num_pages: last } = Object(json) as Record<string, unknown>;
    if (!Array.isArray(items)) throw unreadable(answer);
    yield* items;
    if (items.length === 0 || !(page < Number(last))) return;
  }
  throw new PlatformError('Restcomm has too much to list', { detail: path.join('/') });
}
