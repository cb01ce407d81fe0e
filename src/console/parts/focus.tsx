import { useModalAttributes } from '@fluentui/react-components';
import { useEffect, useState, useSyncExternalStore } from 'react';

let isNeeded = false;
const followers = new Set<() => void>();

function follow(changed: () => void): () => void {
  followers.add(changed);
  return () => void followers.delete(changed);
}

/**
 * Every dialog calls this: from the first one on, Fluent UI's keeper of focus stays. At its end, what had the focus has it again, which Fluent UI does
 * for dialogs with a trigger only.
 */
export function useKeptFocus(): void {
  const [opener] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      // Once the dialog is gone, and unless the focus was put somewhere.
      setTimeout(() => {
        if (document.activeElement === document.body && opener instanceof HTMLElement) opener.focus();
      });
    },
    [opener],
  );
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
