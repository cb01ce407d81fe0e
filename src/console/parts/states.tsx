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
export function sentenceOf(words: Words, { code, message }: Problem): string {
  const said = words.said(message);
  return wordFor(words, 'error', code, said || code, { message: said });
}

/** Codes that say less than the gateway's text: what a platform answered, what is wrong with a file, how long a text is. */
const SAY_LITTLE: ReadonlySet<string> = new Set(['PLATFORM_ERROR', 'UNKNOWN', 'IMPORT_FILE', 'IMPORT_NOT_READY', 'SMS_TOO_LONG']);

/** What the gateway says of a problem, if that is more than its sentence. */
export function detailOf(words: Words, { code, message }: Problem): string | undefined {
  return message !== '' && SAY_LITTLE.has(code) ? words.said(message) : undefined;
}

interface ProblemBarProps {
  readonly problem: Problem;
  readonly onRetry?: () => void;
  readonly onClose?: (() => void) | undefined;
}

/** A problem, with ways to try again and to close it if there are. */
export function ProblemBar({ problem, onRetry, onClose }: ProblemBarProps) {
  const words = useWords();
  const styles = useStyles();
  return (
    <MessageBar intent="error" layout="multiline" className={styles.bar} role="alert">
      <MessageBarBody>
        <MessageBarTitle>{sentenceOf(words, problem)}</MessageBarTitle>
        {detailOf(words, problem)}
      </MessageBarBody>
      {(onRetry || onClose) && (
        <MessageBarActions>
          {onRetry && <Button onClick={onRetry}>{words('action.tryAgain')}</Button>}
          {onClose && <Button onClick={onClose}>{words('action.close')}</Button>}
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
