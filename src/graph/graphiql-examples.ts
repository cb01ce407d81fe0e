/** The tabs that GraphiQL opens with, one working operation each. */
export const examples = [
  {
    query: `# The caller and its permissions
query Viewer {
  viewer {
    account { sid email friendlyName status }
    organization { sid name }
    permissions
  }
}
`,
  },
  {
    query: `# Enterprises with their bots and first mappings
query Enterprises {
  enterprises(first: 10, orderBy: { field: NAME }) {
    totalCount
    nodes {
      sid
      name
      status
      admin { email status }
      bot { applicationId tenantId clientSecretHint }
      mappingCount
      messageCount
      mappings(first: 5) { nodes { name microsoftAddress externalAddress operational } }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`,
  },
  {
    query: `# The newest messages with their status history, page by page
query Messages($after: String) {
  messages(first: 10, after: $after, orderBy: { field: DATE_CREATED, direction: DESC }) {
    nodes {
      sid
      route
      from
      to
      body
      channelStatus
      channelErrorMessage
      dateCreated
      events { dateCreated channelStatus channelErrorCode }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`,
    variables: '{ "after": null }',
  },
  {
    query: `# Every status of your messages, as it changes. npm run demo makes some
subscription LiveMessages {
  messageEvents {
    ... on MessageEvent { cursor dateCreated channelStatus channelErrorMessage message { sid route from to body } }
    ... on Bookmark { cursor }
  }
}
`,
  },
  {
    query: `# Create an enterprise, which is a business customer
mutation CreateEnterprise($input: CreateEnterpriseInput!) {
  createEnterprise(input: $input) {
    __typename
    ... on CreateEnterpriseSuccess { enterprise { sid name status admin { sid email } } }
    ... on Error { code message path value }
  }
}
`,
    variables: JSON.stringify(
      { input: { name: 'Berg', enterpriseAdmin: { email: 'admin@berg.example', password: 'a-long-password', name: 'Berg admin' } } },
      null,
      2,
    ),
  },
] as const;
