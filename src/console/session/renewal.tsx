import { Button, MessageBar, MessageBarActions, MessageBarBody } from '@fluentui/react-components';
import { useEffect, useState } from 'react';
import { notLoaded } from '../parts/lazily.ts';
import { loadAgain } from '../parts/load-again.ts';
import { type Problem, ProblemBar } from '../parts/states.tsx';
import { useWords } from '../words/words.tsx';
import type { RenewalDialog } from './renewal-dialog.tsx';
import { type Session, signInByTeams } from './session.ts';
import { teamsToken } from './teams.ts';

/** How long before its end a session can be renewed, in ms. */
const NOTICE = 10 * 60 * 1000;
/** The longest that a browser's timer can wait, in ms. */
const LONGEST = 2 ** 31 - 1;
/** How long to wait before asking for the dialog's script again, in ms: while the session has ended or ends soon, and before. */
const AGAIN = { needed: 1000, otherwise: 60_000 };
/** How long after the page the dialog's script is loaded, in ms. */
const LATER = 10_000;

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

  const { component: AskAgain, problem } = useRenewalDialog(phase !== 'running');
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
      {phase === 'ended' && !AskAgain && problem && <ProblemBar problem={problem} onRetry={() => void loadAgain()} />}
      {AskAgain && (
        <AskAgain name={session.name} isOpen={isOpen || phase === 'ended'} hasEnded={phase === 'ended'} onClose={() => setOpen(false)} />
      )}
    </>
  );
}

/**
 * The dialog. Its script is loaded some time after the page, since nothing else renews the session: the network may be gone then, or the gateway be of
 * another version, which has another script. Until it is there, it is asked for again.
 * @param isNeeded whether it is to be loaded now
 * @returns the problem, if it could not be loaded yet
 */
function useRenewalDialog(isNeeded: boolean): { readonly component?: typeof RenewalDialog; readonly problem?: Problem } {
  const [state, setState] = useState<ReturnType<typeof useRenewalDialog>>({});
  const isLoaded = state.component !== undefined;
  useEffect(() => {
    if (isLoaded) return;
    let timer: number;
    let isOver = false;
    const load = () =>
      import('./renewal-dialog.tsx')
        .then(({ RenewalDialog: component }) => isOver || setState({ component }))
        .catch((error: unknown) => {
          if (isOver) return;
          setState({ problem: notLoaded(error) });
          timer = window.setTimeout(load, isNeeded ? AGAIN.needed : AGAIN.otherwise);
        });
    timer = window.setTimeout(load, isNeeded ? 0 : LATER);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [isLoaded, isNeeded]);
  return state;
}
