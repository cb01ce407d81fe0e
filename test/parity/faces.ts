import { expect } from 'vitest';
import type { Provider } from '../support/gateway.ts';
import type { RestAnswer } from '../support/rest.ts';

/** REST.md's table of errors, with the graph's codes. If it has no message, the test provides one. */
export const refusals = {
  MISSING_PARAMETER: { errorCode: '451', status: 400, member: 'InvalidInputError', message: undefined },
  PLATFORM_ERROR: { errorCode: '452', status: 400, member: 'PlatformError', message: undefined },
  ENTERPRISE_NAME_NOT_UNIQUE: { errorCode: '4050', status: 409, member: 'ConflictError', message: 'Enterprise name not unique' },
  EMAIL_NOT_UNIQUE: { errorCode: '4001', status: 409, member: 'ConflictError', message: 'Email not unique' },
  ENTERPRISE_NOT_FOUND: { errorCode: '4051', status: 409, member: 'NotFoundError', message: 'Enterprise not found' },
  MAPPING_NOT_FOUND: { errorCode: '480', status: 409, member: 'NotFoundError', message: 'Mapping Id not found' },
  BOT_NOT_FOUND: { errorCode: '481', status: 409, member: 'NotFoundError', message: 'There is no Details added for this Bot' },
  MESSAGE_NOT_FOUND: { errorCode: '481', status: 409, member: 'NotFoundError', message: 'Message Id not found' },
  EXTERNAL_ADDRESS_NOT_UNIQUE: { errorCode: '482', status: 409, member: 'ConflictError', message: 'externalAddress not unique' },
  MICROSOFT_ADDRESS_INVALID: { errorCode: '485', status: 409, member: 'ConflictError', message: 'Microsoft Address is not Valid' },
  ENTERPRISE_HAS_MAPPINGS: { errorCode: '4052', status: 409, member: 'ConflictError', message: 'Enterprise has Mappings' },
  ENTERPRISE_CLOSED: { errorCode: '4053', status: 409, member: 'ConflictError', message: 'Enterprise is CLOSED' },
  BOT_EXISTS: { errorCode: '483', status: 409, member: 'ConflictError', message: 'Bot details already exist' },
  INVALID_PARAMETER: { errorCode: '450', status: 400, member: 'InvalidInputError', message: undefined },
  IDEMPOTENCY_KEY_REUSED: { errorCode: '409', status: 409, member: 'ConflictError', message: undefined },
  IDEMPOTENCY_KEY_IN_PROGRESS: { errorCode: '409', status: 409, member: 'ConflictError', message: undefined },
} as const;
export type RefusalCode = keyof typeof refusals;

/** The operations that change something: the graph's name, the contract's route, and what both answer. */
export const mutations = {
  createEnterprise: { method: 'POST', path: '/msteams/enterprises', entity: 'Enterprise' },
  updateEnterprise: { method: 'PUT', path: '/msteams/enterprises', entity: 'Enterprise' },
  closeEnterprise: { method: 'DELETE', path: '/msteams/enterprises', entity: 'Enterprise' },
  createMapping: { method: 'POST', path: '/msteams/mappings', entity: 'Mapping' },
  updateMapping: { method: 'PUT', path: '/msteams/mappings', entity: 'Mapping' },
  deleteMapping: { method: 'DELETE', path: '/msteams/mappings', entity: 'Mapping' },
  createBot: { method: 'POST', path: '/msteams/teamsbot', entity: 'Bot' },
  updateBot: { method: 'PUT', path: '/msteams/teamsbot', entity: 'Bot' },
  deleteBot: { method: 'DELETE', path: '/msteams/teamsbot', entity: 'Bot' },
} as const;
export type MutationName = keyof typeof mutations;

/** An input of the graph. `sid` is the contract's path and `idempotencyKey` its header, the rest its body. */
export type Input = Readonly<Record<string, unknown>>;

const selections = {
  Enterprise:
    'sid name status dateCreated dateUpdated accountSid accountEmail admin { sid accountSid: restcommAccountSid email name status }',
  Mapping: 'sid name microsoftAddress externalAddress operational dateCreated dateUpdated accountSid enterpriseSid',
  Bot: 'sid applicationId tenantId clientSecretHint clientSecret botAppId dateCreated dateUpdated accountSid enterpriseSid',
} as const;

interface GraphRefusal {
  readonly __typename: string;
  readonly code: RefusalCode;
  readonly message: string;
  readonly path: readonly string[] | null;
  readonly value: string | null;
}
/** What a mutation answers in the graph: an entity, or an error with `code`. */
// biome-ignore lint/suspicious/noExplicitAny: which entity it is, each test knows
export type Result = GraphRefusal & Record<string, any>;

/** Asks the graph. Throws for what is no member of the result union. */
export async function inGraph({ graph }: Pick<Provider, 'graph'>, name: MutationName, input: Input): Promise<Result> {
  const { entity } = mutations[name];
  const capitalized = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  const { data, errors } = await graph(
    `mutation ($input: ${capitalized}Input!) {
      result: ${name}(input: $input) {
        __typename
        ... on ${capitalized}Success { entity: ${entity.toLowerCase()} { ${selections[entity]} } }
        ... on Error { code message path value }
      }
    }`,
    { input },
  );
  if (errors) throw new Error(JSON.stringify(errors));
  const { entity: changed, ...result } = data.result;
  return { ...result, ...changed };
}

/** The contract calls an admin's `email` `emailId`. */
export function inContractNames({ enterpriseAdmin, ...input }: Input): Input {
  if (typeof enterpriseAdmin !== 'object' || enterpriseAdmin === null || !('email' in enterpriseAdmin))
    return { enterpriseAdmin, ...input };
  const { email, ...admin } = enterpriseAdmin;
  return { ...input, enterpriseAdmin: { emailId: email, ...admin } };
}

/** The message of an error as the contract gives it. */
export const inContractWords = (message: string) => message.replace('enterpriseAdmin.email', 'enterpriseAdmin.emailId');

/** Asks the contract. */
export function inRest({ rest }: Pick<Provider, 'rest'>, name: MutationName, input: Input): Promise<RestAnswer<Record<string, unknown>>> {
  const { method, path } = mutations[name];
  const { sid, idempotencyKey, ...body } = inContractNames(input);
  return rest.request(method, sid === undefined ? path : `${path}/${encodeURIComponent(String(sid))}`, {
    body: method === 'DELETE' ? undefined : body,
    headers: idempotencyKey === undefined ? {} : { 'idempotency-key': String(idempotencyKey) },
  });
}

export interface Expected {
  readonly message?: string;
  readonly path?: readonly string[];
  /** The offending value; where left out, neither face may give one. */
  readonly value?: string;
  /** What the contract is asked, where it is not the graph's input. */
  readonly restInput?: Input;
}

/** Both faces refuse the same input in the same way, each in its own form. */
export async function expectRefusal(provider: Provider, name: MutationName, input: Input, code: RefusalCode, expected: Expected = {}) {
  const { member, status, errorCode } = refusals[code];
  const message = expected.message ?? refusals[code].message;
  const { value, path, restInput } = expected;
  expect(await inGraph(provider, name, input)).toEqual({ __typename: member, code, message, path: path ?? null, value: value ?? null });
  const answer = await inRest(provider, name, restInput ?? input);
  const data = name === 'createEnterprise' ? { data: value } : value;
  expect({ status: answer.status, ...answer.body }).toEqual({
    status,
    errorCode,
    message: message && inContractWords(message),
    ...(value === undefined ? {} : { data }),
  });
}

export const faces = ['the graph', 'REST'] as const;
export type Face = (typeof faces)[number];

/** How a mutation ended on one face: the contract's errorCode, or the entity's sid. */
export async function outcome(
  face: Face,
  provider: Provider,
  name: MutationName,
  input: Input,
): Promise<{ sid?: string; errorCode?: string }> {
  if (face === 'REST') {
    const { body } = await inRest(provider, name, input);
    return body.errorCode === undefined ? { sid: String(body.data?.sid) } : { errorCode: body.errorCode };
  }
  const { sid, code } = await inGraph(provider, name, input);
  return code === undefined ? { sid } : { errorCode: refusals[code].errorCode };
}

/** The entity of a mutation that must succeed. */
export async function done(provider: Pick<Provider, 'graph'>, name: MutationName, input: Input): Promise<Result> {
  const result = await inGraph(provider, name, input);
  expect(result.code, JSON.stringify(result)).toBeUndefined();
  return result;
}

let made = 0;
/** Values that no test has had before. */
export const fresh = {
  name: () => `Enterprise ${++made}`,
  email: () => `admin${++made}@customer.example`,
  number: () => `+4930${String(++made).padStart(6, '0')}`,
  user: () => `user${++made}@tenant.example`,
  key: () => `key-${++made}`,
};

/** Inputs of creations that succeed. */
export const newEnterprise = (change: Input = {}): Input => ({
  name: fresh.name(),
  enterpriseAdmin: { email: fresh.email(), password: 'a-long-password' },
  ...change,
});
export const newMapping = (enterpriseSid: string, change: Input = {}): Input => ({
  enterpriseSid,
  microsoftAddress: fresh.user(),
  externalAddress: fresh.number(),
  ...change,
});
export const newBot = (enterpriseSid: string, change: Input = {}): Input => ({
  enterpriseSid,
  applicationId: '12345',
  tenantId: 'tenant-1',
  clientSecret: 'a-client-secret',
  botAppId: 'app-1',
  ...change,
});

/** An unknown sid of the right form. */
export const unknownSid = (prefix: 'EN' | 'BE' | 'MS') => prefix + '0123456789abcdef'.repeat(2);
