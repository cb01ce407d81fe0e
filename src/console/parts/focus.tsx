import { useModalAttributes } from '@fluentui/react-components';
import { useEffect, useSyncExternalStore } from 'react';

let isNeeded = false;
const followers = new Set<() => void>();

function follow(changed: () => void): () => void {
  followers.add(changed);
  return () => void followers.delete(changed);
}

/** Every dialog calls this: from the first one on, Fluent UI's keeper of focus stays. */
export function useKeptFocus(): void {
  useEffect(() => {
    isNeeded = true;
    for (const changed of followers) changed();
  }, []);
}

/**
 * Keeps Fluent UI's keeper of focus once there was a dialog. It would end with the last dialog, before it has shown the rest of the page to screen
 * readers again. Not before: it adds elements to the page that take the focus and pass it on.
 */
export function KeptFocus() {
  return useSyncExternalStore(follow, () => isNeeded) ? <Keeper /> : null;
}

function Keeper() {
  useModalAttributes({});
  return null;
}
