import type { ResultOf } from 'gql.tada';
import { useEffect, useRef } from 'react';
import { graphql } from '../../graph/graphql.ts';
import { followStream } from '../../graph/stream.ts';

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
 */
export function useHealthNews(onNews: (bots: readonly BotInNews[], isFirst: boolean) => void): void {
  const latest = useRef(onNews);
  useEffect(() => {
    latest.current = onNews;
  });
  useEffect(() => {
    let isFirst = true;
    return followStream<ResultOf<typeof CHANGES>>({
      document: CHANGES,
      variables: {},
      onState: (state) => {
        // Also said when a connection begins, before its updates.
        if (state !== 'live') isFirst = true;
      },
      onNext: ({ botHealth: { bots } }) => {
        latest.current(bots, isFirst);
        isFirst = false;
        return undefined;
      },
    });
  }, []);
}
