import type { TadaDocumentNode } from 'gql.tada';
import type { ReactNode } from 'react';
import { useQuery } from 'urql';
import { useWords, type Word } from '../words/words.tsx';
import { Empty, Loading, ProblemBar, problemOf } from './states.tsx';

interface OneProps<Data, Variables, Thing> {
  readonly document: TadaDocumentNode<Data, Variables>;
  readonly variables: Variables;
  readonly thingOf: (data: Data) => Thing | null;
  /** Shown if there is none. */
  readonly missing: Word;
  /** @param reload reads it again */
  readonly children: (thing: Thing, reload: () => void) => ReactNode;
}

/** One thing of the graph: its page once it is there, and why it is not until then. */
export function One<Data, Variables, Thing>({ document, variables, thingOf, missing, children }: OneProps<Data, Variables, Thing>) {
  const words = useWords();
  const [{ data, error, fetching }, run] = useQuery<Data, Record<string, unknown>>({
    query: document as never,
    variables: variables as Record<string, unknown>,
  });
  const reload = () => run({ requestPolicy: 'network-only' });
  if (!data) {
    if (error) return <ProblemBar problem={problemOf(error)} onRetry={reload} />;
    return fetching ? <Loading /> : null;
  }
  const thing = thingOf(data);
  return thing === null ? <Empty title={words(missing)} /> : children(thing, reload);
}
