import { type ComponentProps, Suspense } from 'react';
import { lazily } from '../../parts/lazily.ts';

const MessageDialog = lazily(() => import('./message-dialog.tsx'));

/** The dialog of a message. Its script is loaded when one is first opened. */
export function OpenedMessage(props: ComponentProps<typeof MessageDialog>) {
  return (
    <Suspense>
      <MessageDialog {...props} />
    </Suspense>
  );
}
