import { graphql } from './__generated__/gql.ts';

export const LIST = graphql(`
  query CodegenMappings($first: Int, $after: String, $orderBy: MappingOrder) {
    mappings(first: $first, after: $after, orderBy: $orderBy) {
      totalCount
      edges { node { id sid name dateCreated } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

export const CREATE = graphql(`
  mutation CodegenCreateMapping($input: CreateMappingInput!) {
    createMapping(input: $input) {
      __typename
      ... on CreateMappingSuccess { mapping { id sid name } }
      ... on Error { code message path value }
      ... on InvalidInputError { issues { path message } }
    }
  }
`);
