import fc from 'fast-check';
import { type GraphQLObjectType, getNamedType, isLeafType } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schema } from '../../schema/index.ts';
import { acceptMessage } from '../../src/domain/messages/message-log.ts';
import { done, fresh } from '../parity/faces.ts';
import { createTestGateway, type Provider, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;
let provider: Provider;
beforeAll(async () => {
  gateway = await createTestGateway();
  provider = await gateway.provider();
  for (const name of ['one', 'two']) {
    const enterpriseAdmin = { email: fresh.email(), password: 'a-long-password' };
    const { sid: enterpriseSid } = await done(provider, 'createEnterprise', { name, enterpriseAdmin });
    const azure = { applicationId: 'a', tenantId: 't', clientSecret: 'a-client-secret', botAppId: 'b' };
    await done(provider, 'createBot', { enterpriseSid, ...azure });
    const mapping = { enterpriseSid, microsoftAddress: `${name}@customer.example`, externalAddress: fresh.number() };
    const { sid: mappingSid } = await done(provider, 'createMapping', mapping);
    const { organizationSid, accountSid } = provider;
    const ids = { organizationSid, enterpriseSid, mappingSid, accountSid, direction: 'INBOUND' as const, lane: name };
    for (const body of ['a', 'b'])
      await acceptMessage(gateway.gateway.sql, { ...ids, from: `${name}@customer.example`, to: '+4930123', body });
  }
});
afterAll(() => gateway.close());

/** A field of a type as it can be selected: a leaf, or an object with one leaf of its own. Those with arguments have defaults for all of them. */
function selectable(type: GraphQLObjectType): string[] {
  return Object.values(type.getFields()).map((field) => {
    const of = getNamedType(field.type);
    if (isLeafType(of)) return field.name;
    if (of.name.endsWith('Connection')) return `${field.name} { totalCount nodes { sid } }`;
    return `${field.name} { ${({ MessageEvent: 'channelStatus', MessageHold: 'reason', MappingInTeams: 'installed', AppPackage: 'version', BotHealth: 'status' } as Record<string, string>)[of.name] ?? 'sid'} }`;
  });
}

const lists = { messages: 'Message', mappings: 'Mapping', enterprises: 'Enterprise', bots: 'Bot' } as const;

describe.each(Object.entries(lists))('%s', (list, name) => {
  const fields = selectable(schema.getType(name) as GraphQLObjectType);
  const read = async (selection: string) => {
    const { data, errors } = await provider.graph(
      `{ list: ${list} { ${selection} } } fragment F on ${name} { sid }`.replace(/fragment .*/, (given) =>
        selection.includes('...F') ? given : '',
      ),
    );
    expect(errors).toBeUndefined();
    return data.list;
  };

  test('show the same values of a row for any selection of its fields, alone or together, as nodes or edges, in fragments or not', async () => {
    const { nodes: whole } = await read(`nodes { sid ${fields.join(' ')} }`);
    expect(whole.length).toBeGreaterThan(1);
    const some = fc.uniqueArray(fc.constantFrom(...fields), { minLength: 1, maxLength: 5 });
    const wraps = [
      (part: string) => `nodes { ${part} }`,
      (part: string) => `edges { cursor node { ${part} } }`,
      (part: string) => `nodes { ... on Node { id } ... on ${name} { ${part} } }`,
      (part: string) => `nodes { ...F ${part} } totalCount`,
      (part: string) => `nodes { __typename } nodes { ${part} }`,
    ];
    const selections = [...fields.map((field) => [field]), ...fc.sample(some, 30)];
    for (const [index, selected] of selections.entries()) {
      const wrap = wraps[index % wraps.length] as (typeof wraps)[number];
      const page = await read(wrap(selected.join(' ')));
      const rows: Record<string, unknown>[] = page.nodes ?? page.edges.map((edge: { node: object }) => edge.node);
      expect(rows.length).toBe(whole.length);
      for (const [place, row] of rows.entries()) {
        for (const field of selected.map((text) => text.split(' ')[0] as string)) expect(row[field]).toEqual(whole[place][field]);
      }
    }
  });
});
