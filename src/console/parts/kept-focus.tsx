import { type ComponentType, useSyncExternalStore } from 'react';

let keeper: ComponentType | undefined;
const followers = new Set<() => void>();

function follow(changed: () => void): () => void {
  followers.add(changed);
  return () => void followers.delete(changed);
}

/** Keeps the focus from now on. */
export function keepFocusBy(component: ComponentType): void {
  keeper = component;
  for (const changed of followers) changed();
}

/**
 * Keeps Fluent UI's keeper of focus once there was a dialog (focus.tsx). It would end with the last dialog, before it has shown the rest of the page to
 * screen readers again. Not before: it adds elements to the page that take the focus and pass it on, and is a seventh of all scripts.
 */
export function KeptFocus() {
  const Keeper = useSyncExternalStore(follow, () => keeper);
  return Keeper ? <Keeper /> : null;
}
