import type { TadaDocumentNode } from 'gql.tada';
import type { ReactNode } from 'react';
import { useAnswer } from '../graph/answer.ts';
import { useWords, type Word } from '../words/words.tsx';
import { Empty, Loading, ProblemBar } from './states.tsx';

interface OneProps<Data, Variables, Thing> {
  readonly document: TadaDocumentNode<Data, Variables>;
  readonly variables: Variables;
  /** Whether it is read anew at each visit: a form would keep what was read at the one before. */
  readonly isFresh?: boolean;
  readonly thingOf: (data: Data) => Thing | null;
  /** Shown if there is none. */
  readonly missing: Word;
  /** @param reload reads it again */
  readonly children: (thing: Thing, reload: () => void) => ReactNode;
}

/** One thing of the graph: its page once it is there, and why it is not until then. If it cannot be read again, its page stays. */
export function One<Data, Variables, Thing>(props: OneProps<Data, Variables, Thing>) {
  const { document, variables, isFresh, thingOf, missing, children } = props;
  const words = useWords();
  const { data, problem, isBusy, reload } = useAnswer({ document, variables, isFresh });
  const bar = problem && <ProblemBar problem={problem} onRetry={reload} />;
  if (data === undefined) return bar ?? (isBusy ? <Loading /> : null);
  const thing = thingOf(data);
  return (
    <>
      {bar}
      {thing === null ? <Empty title={words(missing)} /> : children(thing, reload)}
    </>
  );
}
