// The operations of the clients that need no build step, as a frontend would write them from the README.

export const LIST = `query Mappings($first: Int, $after: String) {
  mappings(first: $first, after: $after, orderBy: { field: NAME }) {
    totalCount
    edges { cursor node { id sid name } }
    pageInfo { hasNextPage endCursor }
  }
}`;

export const CREATE = `mutation CreateMapping($input: CreateMappingInput!) {
  createMapping(input: $input) {
    __typename
    ... on CreateMappingSuccess { mappingEdge { cursor node { id sid name } } }
    ... on Error { code message path value }
    ... on InvalidInputError { issues { path message } }
  }
}`;

export const UPDATE = `mutation UpdateMapping($input: UpdateMappingInput!) {
  updateMapping(input: $input) {
    __typename
    ... on UpdateMappingSuccess { mapping { id name } }
    ... on Error { code message path value }
  }
}`;

export const DELETE = `mutation DeleteMapping($input: DeleteMappingInput!) {
  deleteMapping(input: $input) {
    __typename
    ... on DeleteMappingSuccess { deletedId }
    ... on Error { code message path value }
  }
}`;

export const EVENTS = `subscription Events($after: String) {
  messageEvents(after: $after) {
    __typename
    ... on Bookmark { cursor }
    ... on MessageEvent { cursor channelStatus message { id body channelStatus } }
  }
}`;
