import {
  Button,
  Dialog,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
} from '@fluentui/react-components';
import { useEffect, useState } from 'react';
import { useKeptFocus } from '../parts/focus.tsx';
import { useWords } from '../words/words.tsx';
import { type Session, signInByTeams, signOut } from './session.ts';
import { SignInForm } from './sign-in.tsx';
import { teamsToken } from './teams.ts';

/** How long before its end a session can be renewed, in ms. */
const NOTICE = 10 * 60 * 1000;
/** The longest that a browser's timer can wait, in ms. */
const LONGEST = 2 ** 31 - 1;

type Phase = 'running' | 'ending' | 'ended';

function phaseOf(expires: number): Phase {
  const left = expires - Date.now();
  return left <= 0 ? 'ended' : left <= NOTICE ? 'ending' : 'running';
}

/**
 * Renews the session before it ends, or when it has ended: asks Teams if Teams has signed the user in, and otherwise for the password. The page keeps its
 * content.
 */
export function Renewal({ session }: { readonly session: Session }) {
  const words = useWords();
  const { expires, byTeams = false } = session;
  const [phase, setPhase] = useState(() => phaseOf(expires));
  const [isOpen, setOpen] = useState(false);
  const [isAsked, setAsked] = useState(!byTeams);
  useEffect(() => {
    let timer: number;
    const look = () => {
      setPhase(phaseOf(expires));
      const left = expires - Date.now();
      if (left > 0) timer = window.setTimeout(look, Math.min(LONGEST, left > NOTICE ? left - NOTICE : left));
    };
    look();
    return () => clearTimeout(timer);
  }, [expires]);

  // Asks Teams first, once when the session ends soon, and once more when it has ended.
  useEffect(() => {
    if (!byTeams || phase === 'running') return;
    setAsked(false);
    teamsToken()
      .then(signInByTeams)
      .catch(() => setAsked(true));
  }, [byTeams, phase]);

  if (phase === 'running' || !isAsked) return null;
  return (
    <>
      {phase === 'ending' && (
        <MessageBar intent="warning">
          <MessageBarBody>{words('renewal.ending')}</MessageBarBody>
          <MessageBarActions>
            <Button onClick={() => setOpen(true)}>{words('renewal.renew')}</Button>
          </MessageBarActions>
        </MessageBar>
      )}
      <RenewalDialog name={session.name} isOpen={isOpen || phase === 'ended'} hasEnded={phase === 'ended'} onClose={() => setOpen(false)} />
    </>
  );
}

interface RenewalDialogProps {
  /** The one who must sign in again; absent: anybody may. */
  readonly name: string | undefined;
  readonly isOpen: boolean;
  readonly hasEnded: boolean;
  readonly onClose: () => void;
}

function RenewalDialog({ name, isOpen, hasEnded, onClose }: RenewalDialogProps) {
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
