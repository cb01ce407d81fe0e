import { useSyncExternalStore } from 'react';

// The page's state is in the fragment (#/messages?statuses=FAILED), so that links and the back button work, behind any prefix of the path.

/** Where the page is. */
interface Place {
  /** Begins with a slash. */
  readonly path: string;
  readonly parameters: URLSearchParams;
}

/** Values that a link sets. An empty one is left out. */
type Parameters = Readonly<Record<string, string | undefined>>;

let last: { hash: string; place: Place } | undefined;

function placeNow(): Place {
  const { hash } = window.location;
  if (last?.hash !== hash) {
    const [path = '', search = ''] = hash.replace(/^#/, '').split('?', 2);
    last = { hash, place: { path: path === '' ? '/' : path, parameters: new URLSearchParams(search) } };
  }
  return last.place;
}

function follow(changed: () => void): () => void {
  window.addEventListener('hashchange', changed);
  return () => window.removeEventListener('hashchange', changed);
}

/** Follows where the page is. */
export const usePlace = (): Place => useSyncExternalStore(follow, placeNow);

/** The address of a place. */
export function linkTo(path: string, parameters: Parameters = {}): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return `#${path}${given.length > 0 ? `?${new URLSearchParams(given)}` : ''}`;
}

/** Goes to a place. */
export function goTo(path: string, parameters: Parameters = {}): void {
  window.location.hash = linkTo(path, parameters);
}

/**
 * Changes parameters of this place, and goes back to the first page of its list unless the page itself is changed.
 * @param isTyping whether the change replaces the last one, as one letter of a search follows another, instead of adding to the history
 */
export function change(parameters: Parameters, isTyping = false): void {
  const { path, parameters: now } = placeNow();
  const all: Record<string, string | undefined> = Object.fromEntries(now);
  if (!('after' in parameters || 'before' in parameters)) Object.assign(all, { after: undefined, before: undefined });
  const link = linkTo(path, { ...all, ...parameters });
  if (!isTyping) {
    window.location.hash = link;
    return;
  }
  window.history.replaceState(null, '', link);
  window.dispatchEvent(new HashChangeEvent('hashchange'));
}
