import { initGraphQLTada } from 'gql.tada';
import type { introspection } from './__generated__/schema.d.ts';

const graphql = initGraphQLTada<{ introspection: introspection; scalars: { DateTime: string } }>();

export const LIST = graphql(`
  query TadaMappings($first: Int, $after: String, $orderBy: MappingOrder) {
    mappings(first: $first, after: $after, orderBy: $orderBy) {
      totalCount
      edges { node { id sid name dateCreated } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export const CREATE = graphql(`
  mutation TadaCreateMapping($input: CreateMappingInput!) {
    createMapping(input: $input) {
      __typename
      ... on CreateMappingSuccess { mapping { id sid name } }
      ... on Error { code message path value }
      ... on InvalidInputError { issues { path message } }
    }
  }
`);
