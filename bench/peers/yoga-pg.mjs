import { createServer } from 'node:http';
import SchemaBuilder from '@pothos/core';
import { createYoga } from 'graphql-yoga';
import { messages, port } from './statements.mjs';

// The gateway's own Yoga and Pothos as their documentation begins, with resolvers on prepared SQL.

const builder = new SchemaBuilder({});
const DateTime = builder.scalarType('DateTime', { serialize: (date) => date.toISOString() });
const exposed = (name, type) => builder.objectRef(name).implement(type);

const Message = exposed('Message', {
  fields: (t) => ({
    ...Object.fromEntries(['sid', 'accountSid', 'enterpriseSid'].map((name) => [name, t.exposeID(name)])),
    ...Object.fromEntries(
      ['direction', 'type', 'from', 'to', 'body', 'channelStatus'].map((name) => [name, t.exposeString(name, { nullable: false })]),
    ),
    segments: t.exposeInt('segments', { nullable: false }),
    dateCreated: t.expose('dateCreated', { type: DateTime, nullable: false }),
    dateUpdated: t.expose('dateUpdated', { type: DateTime, nullable: false }),
  }),
});
const PageInfo = exposed('PageInfo', {
  fields: (t) => ({ hasNextPage: t.exposeBoolean('hasNextPage'), endCursor: t.exposeString('endCursor', { nullable: true }) }),
});
const Messages = exposed('Messages', {
  fields: (t) => ({
    nodes: t.expose('nodes', { type: [Message], nullable: false }),
    pageInfo: t.expose('pageInfo', { type: PageInfo, nullable: false }),
  }),
});
builder.queryType({
  fields: (t) => ({
    messages: t.field({
      type: Messages,
      nullable: false,
      args: { first: t.arg.int({ required: true }) },
      resolve: (_root, { first }) => messages(first),
    }),
  }),
});
createServer(createYoga({ schema: builder.toSchema(), graphiql: false, logging: false })).listen(port, '127.0.0.1');
