import { useModalAttributes } from '@fluentui/react-components';
import { useEffect, useState } from 'react';
import { keepFocusBy } from './kept-focus.tsx';

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
        if (document.activeElement !== document.body) return;
        // What was done may have taken the opener away, as a revoked token has no button that revokes it.
        const place = opener?.isConnected ? opener : document.querySelector('main h1');
        if (place instanceof HTMLElement) place.focus({ preventScroll: place !== opener });
      });
    },
    [opener],
  );
  useEffect(() => keepFocusBy(Keeper), []);
}

function Keeper() {
  useModalAttributes({});
  return null;
}
