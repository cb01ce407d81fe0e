import { graphql } from 'relay-runtime';

// What relay-compiler compiles into relay/generated/. Nothing runs this file: the tests import the artifacts.

export const query = graphql`
  query operationsMappingsQuery($sid: ID!) {
    enterprise(sid: $sid) {
      ...operations_enterprise
    }
  }
`;

export const list = graphql`
  fragment operations_enterprise on Enterprise
  @argumentDefinitions(count: { type: "Int", defaultValue: 3 }, cursor: { type: "String" })
  @refetchable(queryName: "operationsPaginationQuery") {
    id
    mappings(first: $count, after: $cursor) @connection(key: "operations_mappings") {
      totalCount
      edges { node { id sid name externalAddress dateCreated } }
    }
  }
`;

export const create = graphql`
  mutation operationsCreateMutation($input: CreateMappingInput!, $connections: [ID!]!) {
    createMapping(input: $input) {
      __typename
      ... on CreateMappingSuccess {
        mappingEdge @appendEdge(connections: $connections) {
          cursor
          node { id sid name externalAddress dateCreated }
        }
      }
      ... on Error { code message path value }
    }
  }
`;

export const update = graphql`
  mutation operationsUpdateMutation($input: UpdateMappingInput!) {
    updateMapping(input: $input) {
      __typename
      ... on UpdateMappingSuccess { mapping { id name } }
      ... on Error { code message path value }
    }
  }
`;

export const remove = graphql`
  mutation operationsDeleteMutation($input: DeleteMappingInput!, $connections: [ID!]!) {
    deleteMapping(input: $input) {
      __typename
      ... on DeleteMappingSuccess { deletedId @deleteEdge(connections: $connections) @deleteRecord }
      ... on Error { code message path value }
    }
  }
`;

export const refetch = graphql`
  fragment operations_mapping on Mapping @refetchable(queryName: "operationsRefetchQuery") {
    name
    operational
  }
`;

export const events = graphql`
  subscription operationsEventsSubscription($after: String) {
    messageEvents(after: $after) {
      __typename
      ... on Bookmark { cursor }
      ... on MessageEvent { cursor channelStatus message { id body channelStatus } }
    }
  }
`;
