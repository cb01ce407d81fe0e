import { createServer } from 'node:http';
import SchemaBuilder from '@pothos/core';
import PrismaPlugin from '@pothos/plugin-prisma';
import RelayPlugin from '@pothos/plugin-relay';
import { PrismaPg } from '@prisma/adapter-pg';
import { createYoga } from 'graphql-yoga';
import { PrismaClient } from '../../prisma/client/client.ts';
import { getDatamodel } from '../../prisma/client/pothos.ts';

// The gateway's own stack as the documentation of its parts begins: prismaConnection and relatedConnection, nothing tuned.

const { DATABASE_URL, ORGANIZATION_SID: organizationSid, PORT } = process.env;
const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: DATABASE_URL, max: 10 }) });
const builder = new SchemaBuilder({
  plugins: [PrismaPlugin, RelayPlugin],
  prisma: { client: prisma, dmmf: getDatamodel() },
  relay: { nodesOnConnection: true },
});
const byDate = [{ dateCreated: 'asc' }, { sid: 'asc' }];

builder.scalarType('DateTime', { serialize: (date) => date.toISOString() });
builder.prismaObject('Message', {
  fields: (t) => ({
    ...Object.fromEntries(['sid', 'accountSid', 'enterpriseSid'].map((name) => [name, t.exposeID(name)])),
    ...Object.fromEntries(['direction', 'type', 'from', 'to', 'body', 'channelStatus'].map((name) => [name, t.exposeString(name)])),
    segments: t.exposeInt('segments'),
    dateCreated: t.expose('dateCreated', { type: 'DateTime' }),
    dateUpdated: t.expose('dateUpdated', { type: 'DateTime' }),
  }),
});
builder.prismaObject('Mapping', {
  fields: (t) => ({
    sid: t.exposeID('sid'),
    ...Object.fromEntries(['name', 'microsoftAddress', 'externalAddress'].map((name) => [name, t.exposeString(name)])),
  }),
});
builder.prismaObject('Enterprise', {
  fields: (t) => ({
    sid: t.exposeID('sid'),
    name: t.exposeString('name'),
    status: t.exposeString('status'),
    mappings: t.relatedConnection('mappings', { cursor: 'sid', query: { orderBy: byDate } }),
  }),
});
builder.queryType({
  fields: (t) => ({
    messages: t.prismaConnection({
      type: 'Message',
      cursor: 'sid',
      resolve: (query) => prisma.message.findMany({ ...query, where: { organizationSid }, orderBy: byDate }),
    }),
    enterprises: t.prismaConnection({
      type: 'Enterprise',
      cursor: 'sid',
      resolve: (query) => prisma.enterprise.findMany({ ...query, where: { organizationSid }, orderBy: byDate }),
    }),
  }),
});
createServer(createYoga({ schema: builder.toSchema(), graphiql: false, logging: false })).listen(Number(PORT), '127.0.0.1');
