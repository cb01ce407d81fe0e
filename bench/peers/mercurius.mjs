import Fastify from 'fastify';
import { GraphQLScalarType } from 'graphql';
import mercurius from 'mercurius';
import { enterprises, mappingsOf, messages, port } from './statements.mjs';

// Mercurius with graphql-jit from the first request on, resolvers on prepared SQL, nested lists by its loaders.

const schema = /* GraphQL */ `
  scalar DateTime
  enum Direction { INBOUND OUTBOUND }
  enum Type { SMS MMS }
  enum ChannelStatus { QUEUED SENDING SENT DELIVERED UNDELIVERED FAILED READ RECEIVED }
  enum EnterpriseStatus { ACTIVE INACTIVE CLOSED }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type Message {
    sid: ID! direction: Direction! type: Type! from: String! to: String! body: String! segments: Int! channelStatus: ChannelStatus!
    accountSid: ID! enterpriseSid: ID! dateCreated: DateTime! dateUpdated: DateTime!
  }
  type Mapping { sid: ID! name: String! microsoftAddress: String! externalAddress: String! }
  type Enterprise { sid: ID! name: String! status: EnterpriseStatus! mappings(first: Int!): Mappings! }
  type Messages { nodes: [Message!]! pageInfo: PageInfo! }
  type Mappings { nodes: [Mapping!]! }
  type Enterprises { nodes: [Enterprise!]! pageInfo: PageInfo! }
  type Query { messages(first: Int!): Messages! enterprises(first: Int!): Enterprises! }`;

const app = Fastify();
app.register(mercurius, {
  schema,
  resolvers: {
    DateTime: new GraphQLScalarType({ name: 'DateTime', serialize: (date) => date.toISOString() }),
    Query: { messages: (_root, { first }) => messages(first), enterprises: (_root, { first }) => enterprises(first) },
  },
  loaders: {
    Enterprise: {
      mappings: {
        opts: { cache: false },
        loader: async (queries) => {
          const lists = await mappingsOf(
            queries.map(({ obj }) => obj.sid),
            queries[0].params.first,
          );
          return lists.map((nodes) => ({ nodes }));
        },
      },
    },
  },
  jit: 1,
  graphiql: false,
});
await app.listen({ port, host: '127.0.0.1' });
