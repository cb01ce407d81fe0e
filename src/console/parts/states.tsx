import {
  Button,
  MessageBar,
  MessageBarActions,
  MessageBarBody,
  MessageBarTitle,
  makeStyles,
  Spinner,
  tokens,
} from '@fluentui/react-components';
import type { ReactNode } from 'react';
import { useWords, type Words, wordFor } from '../words/words.tsx';

const useStyles = makeStyles({
  empty: { padding: '48px 16px', textAlign: 'center', color: tokens.colorNeutralForeground2 },
  emptyTitle: { fontSize: tokens.fontSizeBase400, fontWeight: tokens.fontWeightSemibold, margin: '0 0 8px' },
  bar: { marginBottom: '12px' },
  loading: { padding: '48px 16px' },
});

/** An error of the graph, typed or not. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  /** The input field that caused it. */
  readonly path?: readonly string[] | null;
}

interface CombinedErrorLike {
  readonly networkError?: Error;
  readonly message: string;
  readonly graphQLErrors: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[];
}

/** The problem in an error of urql's. */
export function problemOf({ networkError, graphQLErrors, message }: CombinedErrorLike): Problem {
  const [error] = graphQLErrors;
  if (error) return { code: String(error.extensions.code ?? 'UNKNOWN'), message: error.message };
  return { code: networkError ? 'NETWORK' : 'UNKNOWN', message };
}

/** A problem in words of the reader's language; in the gateway's own if there are none. */
export const sentenceOf = (words: Words, { code, message }: Problem): string => wordFor(words, 'error', code, message || code, { message });

/** A problem, with a way to try again if there is one. */
export function ProblemBar({ problem, onRetry }: { readonly problem: Problem; readonly onRetry?: () => void }) {
  const words = useWords();
  const styles = useStyles();
  const sentence = sentenceOf(words, problem);
  return (
    <MessageBar intent="error" layout="multiline" className={styles.bar} role="alert">
      <MessageBarBody>
        <MessageBarTitle>{sentence}</MessageBarTitle>
        {!sentence.includes(problem.message) && problem.message}
      </MessageBarBody>
      {onRetry && (
        <MessageBarActions>
          <Button onClick={onRetry}>{words('action.tryAgain')}</Button>
        </MessageBarActions>
      )}
    </MessageBar>
  );
}

/** Nothing to show yet, and why. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  const styles = useStyles();
  return (
    <div className={styles.empty}>
      <p className={styles.emptyTitle}>{title}</p>
      {children}
    </div>
  );
}

export function Loading() {
  const words = useWords();
  return <Spinner className={useStyles().loading} label={words('state.loading')} />;
}
