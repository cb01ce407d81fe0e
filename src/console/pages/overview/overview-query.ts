import { graphql } from '../../graph/graphql.ts';

export const OVERVIEW = graphql(`
  query Overview($today: DateTime!, $month: DateTime!, $now: DateTime!, $timeZone: String!) {
    today: usage(from: $today, to: $now, granularity: DAY, timeZone: $timeZone) { messages delivered failed medianDeliveryTime p95DeliveryTime }
    days: usage(from: $month, to: $now, granularity: DAY, timeZone: $timeZone) { from messages delivered failed }
    directions: usage(from: $month, to: $now, granularity: DAY, groupBy: [DIRECTION], timeZone: $timeZone) { from direction messages }
    enterprises: usage(from: $month, to: $now, granularity: MONTH, groupBy: [ENTERPRISE], timeZone: $timeZone) {
      enterpriseSid messages failed enterprise { name }
    }
    stuck: messages(first: 20, filter: { stuck: true }, orderBy: { field: DATE_CREATED, direction: DESC }) {
      totalCount
      totalCountIsExact
      nodes { sid from to body dateCreated waiting { reason cure since } enterprise { sid name } }
    }
  }
`);

/** From the reader's midnight, 30 days ago and today, until soon. */
export function periodNow() {
  const midnight = new Date();
  midnight.setHours(0, 0, 0, 0);
  return {
    today: midnight.toISOString(),
    month: new Date(new Date(midnight).setDate(midnight.getDate() - 30)).toISOString(),
    now: new Date(new Date(midnight).setDate(midnight.getDate() + 1)).toISOString(),
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}
