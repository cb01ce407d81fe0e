import { makeStyles } from '@fluentui/react-components';
import { type ComponentProps, Suspense, useState } from 'react';
import { Boundary } from '../../parts/boundary.tsx';
import { lazily } from '../../parts/lazily.ts';

const MessageDialog = lazily(() => import('./message-dialog.tsx'));

const useStyles = makeStyles({
  // Contains only what the dialog failed with: seen wherever the page is scrolled to.
  failed: { position: 'fixed', bottom: 0, left: '16px', right: '16px', zIndex: 1 },
});

/** The dialog of a message. Its script is loaded when one is first opened. If that fails, the page stays as it is. */
export function OpenedMessage(props: ComponentProps<typeof MessageDialog>) {
  const styles = useStyles();
  const [opener] = useState(() => document.activeElement);
  const close = () => {
    props.onClose();
    if (opener instanceof HTMLElement) opener.focus();
  };
  return (
    <div className={styles.failed}>
      <Boundary key={props.sid} onClose={close}>
        <Suspense>
          <MessageDialog {...props} />
        </Suspense>
      </Boundary>
    </div>
  );
}
