/** The tabs with which GraphiQL opens: one working operation each. */
export const examples = [
  {
    query: `# Who am I?
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
    query: `# Enterprises with their bot and first mappings
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
    query: `# The newest messages, a page at a time, with their status history
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
      events { occurredAt status errorCode }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`,
    variables: '{ "after": null }',
  },
  {
    query: `# A new Business Customer
mutation CreateEnterprise($input: CreateEnterpriseInput!) {
  createEnterprise(input: $input) {
    __typename
    ... on Enterprise { sid name status admin { sid email } }
    ... on Error { code message path value }
  }
}
`,
    variables: JSON.stringify(
      { input: { name: 'Kohl', enterpriseAdmin: { emailId: 'admin@kohl.example', password: 'a-long-password', name: 'Kohl admin' } } },
      null,
      2,
    ),
  },
] as const;
