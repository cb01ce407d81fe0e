import { Button, Dialog, DialogBody, DialogContent, DialogSurface, DialogTitle } from '@fluentui/react-components';
import { useKeptFocus } from '../parts/focus.tsx';
import { useWords } from '../words/words.tsx';
import { signOut } from './session.ts';
import { SignInForm } from './sign-in.tsx';

interface RenewalDialogProps {
  /** The one who must sign in again; absent: anybody may. */
  readonly name: string | undefined;
  readonly isOpen: boolean;
  readonly hasEnded: boolean;
  readonly onClose: () => void;
}

export function RenewalDialog({ name, isOpen, hasEnded, onClose }: RenewalDialogProps) {
  const words = useWords();
  useKeptFocus();
  return (
    <Dialog open={isOpen} modalType="alert">
      <DialogSurface>
        <DialogBody>
          <DialogTitle>{words(hasEnded ? 'renewal.ended' : 'renewal.renew')}</DialogTitle>
          <DialogContent>
            <SignInForm name={name} onDone={onClose} />
            <Button appearance="subtle" onClick={hasEnded ? signOut : onClose}>
              {words(hasEnded ? 'session.signOut' : 'action.cancel')}
            </Button>
          </DialogContent>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}
