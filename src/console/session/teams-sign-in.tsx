import { Button, MessageBar, MessageBarBody, Spinner } from '@fluentui/react-components';
import { useCallback, useEffect, useRef, useState } from 'react';
import { problemFrom } from '../graph/ask.ts';
import { type Problem, sentenceOf } from '../parts/states.tsx';
import { useWords, type Words } from '../words/words.tsx';
import { hasSignedOut, signInByTeams } from './session.ts';
import { isFramed, TeamsSilence, teamsToken } from './teams.ts';

type State =
  | { readonly is: 'absent' | 'asked' | 'trying'; readonly problem?: undefined; readonly token?: undefined }
  /** `token`: Teams has identified its user, but the gateway has not signed the user in. */
  | { readonly is: 'failed'; readonly problem: Problem; readonly token?: string };

/** The problem of a sign-in for which Teams returned no token. */
const silence = ({ message }: TeamsSilence): Problem => ({ code: message ? 'TEAMS_REFUSED' : 'TEAMS_SILENT', message });

interface TeamsSignIn {
  readonly state: State;
  readonly attempt: () => void;
}

/** Signs in with Teams if the page is in a tab of Teams: at once, unless somebody has just signed out. */
export function useTeamsSignIn(): TeamsSignIn {
  const [state, setState] = useState<State>(() => ({ is: !isFramed() ? 'absent' : hasSignedOut() ? 'asked' : 'trying' }));
  const attempt = useCallback(async () => {
    setState({ is: 'trying' });
    let token: string | undefined;
    try {
      token = await teamsToken();
      await signInByTeams(token);
    } catch (error) {
      setState({ is: 'failed', token, problem: error instanceof TeamsSilence ? silence(error) : problemFrom(error) });
    }
  }, []);
  const isFirst = useRef(state.is === 'trying');
  useEffect(() => {
    if (isFirst.current) void attempt();
    isFirst.current = false;
  }, [attempt]);
  return { state, attempt };
}

/** The state of the sign-in with Teams. Shows nothing outside Teams. */
export function TeamsNotice({ state, attempt }: TeamsSignIn) {
  const words = useWords();
  if (state.is === 'absent') return null;
  if (state.is === 'trying') return <Spinner size="tiny" labelPosition="after" label={words('teams.trying')} />;
  if (!state.problem) return <Button onClick={attempt}>{words('teams.signIn')}</Button>;
  return (
    <MessageBar intent="info" layout="multiline" role="status">
      <MessageBarBody>{sentenceFor(words, state.problem)}</MessageBarBody>
    </MessageBar>
  );
}

const sentenceFor = (words: Words, problem: Problem): string =>
  problem.code === 'UNAUTHENTICATED' ? words('teams.notSetUp') : `${sentenceOf(words, problem)} ${words('teams.byForm')}`;
