import type { ResultOf } from 'gql.tada';
import { useEffect, useRef, useState } from 'react';
import { graphql } from '../../graph/graphql.ts';
import { followStream, type StreamState } from '../../graph/stream.ts';

const CHANGES = graphql(`
  subscription BotHealthChanges {
    botHealth {
      hasMore
      bots { id sid enterprise { name } health { status since reason } }
    }
  }
`);

export type BotInNews = ResultOf<typeof CHANGES>['botHealth']['bots'][number];

/**
 * Follows the health of bots for as long as a part is shown.
 * @param onNews gets the bots of an update; `isFirst` with each connection: all that are unhealthy follow, and only those
 * @returns how the stream is doing
 */
export function useHealthNews(onNews: (bots: readonly BotInNews[], isFirst: boolean) => void): StreamState {
  const [state, setState] = useState<StreamState>('connecting');
  const latest = useRef(onNews);
  useEffect(() => {
    latest.current = onNews;
  });
  useEffect(() => {
    let isFirst = true;
    return followStream<ResultOf<typeof CHANGES>>({
      document: CHANGES,
      variables: {},
      onState: (now) => {
        // Also said when a connection begins, before its updates.
        if (now !== 'live') isFirst = true;
        setState(now);
      },
      onNext: ({ botHealth: { bots } }) => {
        latest.current(bots, isFirst);
        isFirst = false;
        return undefined;
      },
    });
  }, []);
  return state;
}
