import { buildSchema, type GraphQLSchema } from 'graphql';
import { pino } from 'pino';
import { printed } from '../../schema/print.ts';
import { createAdmit } from '../../src/admission/admit.ts';
import type { Authentication } from '../../src/admission/authentication.ts';
import { CHANGES, createFairness, READS } from '../../src/admission/fairness.ts';
import { createOrigins } from '../../src/admission/origins.ts';
import { type ContractOptions, createContract } from '../../src/contract/handler.ts';
import { successType } from '../../src/contract/operations/operation.ts';
import type { Caller, Permission } from '../../src/domain/caller.ts';
import { responseOf } from '../../src/server/text-response.ts';
import { restClient } from '../support/rest.ts';

/** What the graph is to answer: by root field, from its arguments. */
export type Answers = Readonly<Record<string, (args: Readonly<Record<string, unknown>>) => unknown>>;

/**
 * The real schema's types, with root fields that answer what their context says: for what the contract does on its own. A mutation that answers an entity
 * succeeds with it.
 */
export function stubSchema(): GraphQLSchema {
  const schema = buildSchema(printed());
  for (const root of [schema.getQueryType(), schema.getMutationType()]) {
    for (const field of Object.values(root?.getFields() ?? {})) {
      field.resolve = (_parent, args, context: { answers: Answers }) => {
        const answer = context.answers[field.name];
        if (!answer) throw new Error(`unexpected ${field.name}`);
        return root?.name === 'Mutation' ? resultOf(field.name, answer(args)) : answer(args);
      };
    }
  }
  return schema;
}

/** The member of a mutation's union: the success with an entity, or an error as it is. */
function resultOf(mutation: string, answer: unknown): unknown {
  const { __typename: type } = answer as { readonly __typename?: string };
  const entity = ['Enterprise', 'Mapping', 'Bot'].find((name) => name === type)?.toLowerCase();
  return entity ? { __typename: successType(mutation), [entity]: answer } : answer;
}

const schema = stubSchema();

/** What the resolvers of such a graph are given. */
export const stubContext = (answers: Answers, caller: Caller = nobody) => ({ answers, caller, end: () => {} });
const nobody: Caller = { organizationSid: 'OR1', accountSid: 'AC1', permissions: new Set(), requestId: 'request-1' };

interface StubOptions extends Partial<Omit<ContractOptions, 'admission' | 'log'>> {
  /** Who is asking; by default, anyone with an Authorization header. */
  readonly authenticate?: Authentication;
  readonly permissions?: readonly Permission[];
}

/** A contract over such a graph, its client (with any credentials), what the graph was asked, and what was logged. */
export function stubContract(answers: Answers, { permissions = ['read', 'write', 'secrets'], authenticate, ...options }: StubOptions = {}) {
  const asked: { readonly field: string; readonly args: Readonly<Record<string, unknown>> }[] = [];
  const logged: object[] = [];
  const callers: Caller[] = [];
  const caller: Caller = { organizationSid: 'OR1', accountSid: 'AC1', permissions: new Set(permissions), requestId: 'request-1' };
  const recording = Object.fromEntries(
    Object.entries(answers).map(([field, answer]): [string, Answers[string]] => [
      field,
      (args) => {
        asked.push(structuredClone({ field, args: { ...args } }));
        return answer(args);
      },
    ]),
  );
  const log = pino({ level: 'warn' }, { write: (line: string) => logged.push(JSON.parse(line)) });
  const admission = {
    origins: createOrigins([], () => undefined),
    reads: createFairness(READS),
    changes: createFairness(CHANGES),
    requestTimeoutMs: 60_000,
  };
  const face = createContract({
    schema,
    contextFor(given) {
      callers.push(given);
      return stubContext(recording, given);
    },
    admission,
    observe: () => {},
    restTimestamps: 'iso',
    restBotSecrets: 'plain',
    log,
    ...options,
  });
  const admit = createAdmit({
    authenticate:
      authenticate ??
      (async (request) => (request.headers.get('authorization') ? caller : { status: 401, message: 'Authentication is required' })),
    admission,
    log,
  });
  const fetch = async (request: Request) => responseOf(await admit(request, {}, face));
  return { fetch, rest: restClient(fetch, { user: 'AC1', password: 'token' }), anonymous: restClient(fetch), asked, logged, callers };
}

const hex = '0123456789abcdef0123456789abcdef';
const times = { dateCreated: '2020-11-05T11:59:34.120Z', dateUpdated: '2020-11-06T09:44:33.999Z' };
const account = { accountSid: `AC${hex}`, accountEmail: 'provider@example.com' };

export const enterprise = {
  __typename: 'Enterprise',
  sid: `EN${hex}`,
  name: 'mac',
  status: 'ACTIVE',
  admin: { sid: `RCS${hex}`, email: 'Admin@example.com' },
  ...times,
  ...account,
};
export const mapping = {
  __typename: 'Mapping',
  sid: `BE${hex}`,
  name: 'sunny',
  microsoftAddress: 'sunny@example.com',
  externalAddress: '9090919196768998',
  enterpriseSid: enterprise.sid,
  enterprise,
  ...times,
  ...account,
};
export const bot = {
  __typename: 'Bot',
  sid: `BE${hex}`,
  applicationId: '12345',
  tenantId: 'tenant',
  botAppId: '23423424',
  clientSecret: 'a secret 9876',
  clientSecretHint: '9876',
  enterpriseSid: enterprise.sid,
  enterprise,
  ...times,
  ...account,
};
export const message = {
  __typename: 'Message',
  sid: `MS${hex}`,
  direction: 'INBOUND',
  type: 'SMS',
  from: 'sunny@example.com',
  to: '56566565',
  channelStatus: 'DELIVERED',
  enterpriseSid: enterprise.sid,
  accountSid: account.accountSid,
  ...times,
};

const pageOf = (node: object) => () => ({ totalCount: 1, nodes: [node] });

/** A graph in which everything succeeds. */
export const successes: Answers = {
  createEnterprise: () => enterprise,
  updateEnterprise: () => enterprise,
  closeEnterprise: () => enterprise,
  enterprises: pageOf(enterprise),
  enterprise: () => enterprise,
  createMapping: () => mapping,
  updateMapping: () => mapping,
  deleteMapping: () => mapping,
  mappings: pageOf(mapping),
  mapping: () => mapping,
  createBot: () => bot,
  updateBot: () => bot,
  deleteBot: () => bot,
  bots: pageOf(bot),
  bot: () => bot,
  messages: pageOf(message),
  message: () => message,
};
