// The two queries of the comparison, as the gateway and most peers spell them, and as PostGraphile does.

const FIELDS = 'sid direction type from to body segments channelStatus accountSid enterpriseSid dateCreated dateUpdated';
const MAPPING = 'sid name microsoftAddress externalAddress';
const BEHIND = 'pageInfo { hasNextPage endCursor }';

/** What is posted: the names tell the bare server which one it is. */
export interface GraphRequest {
  readonly operationName: string;
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

export const messages: GraphRequest = {
  operationName: 'Messages',
  query: `query Messages($first: Int!) { messages(first: $first) { nodes { ${FIELDS} } ${BEHIND} } }`,
  variables: { first: 10 },
};

export const messagesWithTotal: GraphRequest = {
  ...messages,
  query: `query Messages($first: Int!) { messages(first: $first) { totalCount nodes { ${FIELDS} } ${BEHIND} } }`,
};

/** The page behind a cursor. */
export const messagesAfter = (after: string): GraphRequest => ({
  operationName: 'Messages',
  query: `query Messages($first: Int!, $after: String) { messages(first: $first, after: $after) { nodes { ${FIELDS} } ${BEHIND} } }`,
  variables: { first: 10, after },
});

export const enterprises: GraphRequest = {
  operationName: 'Enterprises',
  query: `query Enterprises($first: Int!, $mappings: Int!) {
    enterprises(first: $first) { nodes { sid name status mappings(first: $mappings) { nodes { ${MAPPING} } } } ${BEHIND} } }`,
  variables: { first: 10, mappings: 5 },
};

const graphileList = (name: string) =>
  `${name}(first: $first, condition: {organizationSid: $organization}, orderBy: [DATE_CREATED_ASC, SID_ASC])`;

export const graphileMessages = (organization: string): GraphRequest => ({
  operationName: 'Messages',
  query: `query Messages($first: Int!, $organization: String!) { messages: ${graphileList('allMessages')} { nodes { ${FIELDS} } ${BEHIND} } }`,
  variables: { first: 10, organization },
});

export const graphileEnterprises = (organization: string): GraphRequest => ({
  operationName: 'Enterprises',
  query: `query Enterprises($first: Int!, $mappings: Int!, $organization: String!) {
    enterprises: ${graphileList('allEnterprises')} { nodes { sid name status
      mappings: mappingsByOrganizationSidAndEnterpriseSid(first: $mappings, orderBy: [DATE_CREATED_ASC, SID_ASC]) { nodes { ${MAPPING} } } } ${BEHIND} } }`,
  variables: { first: 10, mappings: 5, organization },
});

export const sendMessage = (input: Readonly<Record<string, unknown>>): GraphRequest => ({
  operationName: 'Send',
  query:
    'mutation Send($input: SendMessageInput!) { sendMessage(input: $input) { __typename ... on SendMessageSuccess { sentMessage { sid channelStatus from to body } } } }',
  variables: { input },
});
