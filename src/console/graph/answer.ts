import { createRequest } from '@urql/core';
import type { TadaDocumentNode } from 'gql.tada';
import { useCallback, useEffect, useState } from 'react';
import { useQuery } from 'urql';
import { type Problem, problemOf } from '../parts/states.tsx';
import { useSession } from '../session/session.ts';

interface Question<Data, Variables> {
  readonly document: TadaDocumentNode<Data, Variables>;
  readonly variables: Variables;
  /** The types that the answer has, or would have if it were not empty. When one of them is changed, it is read again. */
  readonly types?: readonly string[];
  /** Whether what was read on a former visit is not shown: a form would keep its values. */
  readonly isFresh?: boolean;
  readonly isPaused?: boolean;
}

/** An answer, and what it answers. */
interface Kept<Data, Variables> {
  readonly data: Data;
  readonly variables: Variables;
}

interface Known<Data, Variables> {
  /** The answer to what is asked now. It stays while it is read again, and if that fails. */
  readonly data: Data | undefined;
  /** As `data`, or the answer to what was asked before until there is one. */
  readonly latest: Kept<Data, Variables> | undefined;
  /** Why there is no answer, or none that is newer. */
  readonly problem: Problem | undefined;
  readonly isBusy: boolean;
  readonly reload: () => void;
}

/**
 * Asks the graph. Where urql returns the data and the error of the question before until the next answer is there, this tells them apart. What failed
 * with a token that has been renewed since is asked again.
 */
export function useAnswer<Data, Variables>(question: Question<Data, Variables>): Known<Data, Variables> {
  const { document, variables, types, isFresh = false, isPaused = false } = question;
  const [{ data, error, operation, fetching }, run] = useQuery<Data, Record<string, unknown>>({
    query: document as never,
    variables: variables as Record<string, unknown>,
    context: contextOf(types),
    requestPolicy: isFresh ? 'network-only' : undefined,
    pause: isPaused,
  });
  const { key } = createRequest(document as never, variables as never);
  // After an error, urql has no data.
  const [kept, setKept] = useState<Kept<Data, Variables> & { readonly key: number }>();
  const latest =
    data && operation && data !== kept?.data ? { key: operation.key, data, variables: operation.variables as Variables } : kept;
  if (latest !== kept) setKept(latest);

  const reload = useCallback(() => run({ requestPolicy: 'network-only' }), [run]);
  const token = useSession()?.token;
  const hasFailed = error !== undefined && !fetching && operation?.key === key;
  const isOutdated = hasFailed && operation.context.token !== token;
  useEffect(() => {
    if (isOutdated) reload();
  }, [isOutdated, reload]);
  return {
    data: latest?.key === key ? latest.data : undefined,
    latest,
    problem: hasFailed ? problemOf(error) : undefined,
    isBusy: fetching,
    reload,
  };
}

const contexts = new Map<string, { additionalTypenames: string[] }>();
/** The same object for the same types: another one would run the query again. */
function contextOf(types: readonly string[] | undefined) {
  if (!types) return undefined;
  const key = types.join();
  const context = contexts.get(key) ?? { additionalTypenames: [...types] };
  contexts.set(key, context);
  return context;
}
