import { graphql } from 'relay-runtime';
import type { listWithRelayQuery } from './__generated__/listWithRelayQuery.graphql.ts';

export const LIST = graphql`
  query listWithRelayQuery($first: Int, $filter: MappingFilter) {
    mappings(first: $first, filter: $filter) { edges { node { id sid name dateCreated } } }
  }
`;

export function firstOf({ mappings: { edges } }: listWithRelayQuery['response']): string | undefined {
  // @ts-expect-error: a DateTime is a string
  const milliseconds: number | undefined = edges[0]?.node.dateCreated;
  return milliseconds === undefined ? undefined : edges[0]?.node.dateCreated;
}
