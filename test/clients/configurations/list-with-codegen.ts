import { graphql } from './gql';
import type { ListWithCodegenQuery } from './gql/graphql';

export const LIST = graphql(`
  query ListWithCodegen($first: Int, $filter: MappingFilter) {
    mappings(first: $first, filter: $filter) { nodes { id sid name dateCreated } }
  }
`);

export function firstOf({ mappings: { nodes } }: ListWithCodegenQuery): string | undefined {
  // @ts-expect-error: a DateTime is a string
  const milliseconds: number | undefined = nodes[0]?.dateCreated;
  return milliseconds === undefined ? undefined : nodes[0]?.dateCreated;
}
