import { errorNumbers, type RefusalStatus, refusalMessages } from '../errors.ts';
import type { BodyField, JsonSchema, Method, Operation, QueryParameter } from '../operations/operation.ts';
import { inAnyCase } from '../operations/parameters.ts';
import type { ContractSettings } from '../operations/settings.ts';
import { table } from '../operations/table.ts';
import { exampleOf } from './examples.ts';
import { successSchemas } from './schemas.ts';

/** The refusals that any operation can return. 404 and 405 are for paths and methods that are not operations. */
const commonRefusals: readonly RefusalStatus[] = [401, 403, 429, 500, 503];

/**
 * Creates the OpenAPI 3.1 document from the table that the handler runs. Aliases are paths of their own, and deprecated, so that generators can leave
 * them out. What the gateway takes in any case is enumerated for generators, in addition to the pattern that it is checked against.
 */
export function openApi(settings: ContractSettings): JsonSchema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of table) {
    for (const [index, path] of [operation.path, ...operation.aliases].entries()) {
      for (const method of operation.methods) {
        paths[path] = { ...paths[path], [method.toLowerCase()]: describeOperation(operation, method, path, index, settings) };
      }
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'SMS for Microsoft Teams',
      version: '1.0.0',
      description:
        "Manages a Communications Provider's enterprises (Business Customers), mappings of Teams users to phone numbers, bots and messages. " +
        'The same data is available at /graphql. Other paths return 404 (Refusal404), other methods 405 (Refusal405). A trailing slash is ignored.\n\n' +
        'A whole number is taken as text where text is meant, and a blank value of an optional field or parameter as an absent one. ' +
        'Deprecated operations, fields and parameters are other names of current ones, and keep working.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ basic: [] }, { accessToken: [] }],
    tags: [
      { name: 'Enterprises', description: 'Business customers, each with its admin.' },
      { name: 'Mappings', description: 'Phone numbers of Teams users.' },
      { name: 'Bots', description: "The enterprises' Azure applications." },
      { name: 'Messages', description: 'SMS between phones and Teams users.' },
    ],
    paths,
    components: {
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic', description: 'The user name is an account SID, the password its auth token.' },
        accessToken: {
          type: 'http',
          scheme: 'bearer',
          description: "A short-lived token, created by the graph's mutation createAccessToken.",
        },
      },
      schemas: { ...successSchemas(settings), ...Object.assign({}, ...table.map(ownSchemas)), ...refusalSchemas() },
    },
  };
}

function describeOperation(operation: Operation, method: Method, path: string, index: number, settings: ContractSettings): JsonSchema {
  const isAlternative = method !== operation.methods[0];
  const isAlias = index > 0 || isAlternative;
  const example = exampleOf(operation, settings);
  const parameters = [
    ...(path.includes('{sid}') ? [{ ...sid, schema: { type: 'string', examples: [example.sid] }, example: example.sid }] : []),
    ...(operation.query ?? []).flatMap(describeParameter),
    ...(method === 'GET' ? [] : [{ ...idempotencyKey, example: `${operation.operation}-1` }]),
  ];
  return {
    operationId: operation.operation + (isAlternative ? `_${method.toLowerCase()}` : '') + (index === 0 ? '' : `_alias${index}`),
    summary: operation.summary,
    description: isAlias ? `Same as ${operation.methods[0]} ${operation.path}.` : undefined,
    deprecated: isAlias || undefined,
    tags: [`${operation.dataSchema.replace(/^Created|Page$/g, '')}s`],
    parameters: parameters.length > 0 ? parameters : undefined,
    requestBody: operation.body && {
      required: operation.body.some((field) => field.mandatory),
      content: { 'application/json': { schema: reference(`${nameOf(operation)}Request`), example: example.body } },
    },
    responses: responses(operation, example.answer),
  };
}

const sid = { name: 'sid', in: 'path', required: true, description: 'Sid of the resource. A malformed one is not found.' };

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'Makes the request safe to retry for 24 hours: the same key and input return the first response again; the same key with another input is a conflict (409).',
  schema: { type: 'string' },
};

function describeParameter({ name, aliases = [], description, schema, example }: QueryParameter): JsonSchema[] {
  const described = (text: string) => ({ in: 'query', description: `${text} The parameter name is case-insensitive.`, schema });
  return [
    { name, ...described(description), example },
    ...aliases.map((alias) => ({ name: alias, ...described(`Same as ${name}.`), deprecated: true })),
  ];
}

function bodySchema(fields: readonly BodyField[]): JsonSchema {
  const required = fields.filter((field) => field.mandatory).map((field) => field.name);
  const described = fields.flatMap((field) => [
    [field.name, fieldSchema(field)],
    ...(field.aliases ?? []).map((alias) => [alias, { ...fieldSchema(field), description: `Same as ${field.name}.`, deprecated: true }]),
  ]);
  return { type: 'object', required: required.length > 0 ? required : undefined, properties: Object.fromEntries(described) };
}

function fieldSchema({ fields, values, secret, description }: BodyField): JsonSchema {
  if (fields) return { ...bodySchema(fields), description };
  if (values) return { ...inAnyCase(values), description: `${description} Case-insensitive.` };
  return { type: 'string', description, format: secret ? 'password' : undefined };
}

/** The schemas that only this operation has, on each of its paths: of its body, and of its failures by status. Generators name types after them. */
function ownSchemas(operation: Operation): JsonSchema {
  const data = operation.nestsFailureData
    ? {
        type: 'object',
        required: ['data'],
        properties: { data: { type: 'string', description: 'The value.' } },
      }
    : { type: 'string' };
  const failures = [...failureNumbers(operation)]
    .filter(([status]) => !(status in refusalMessages))
    .map(([status, codes]) => [`${nameOf(operation)}Failure${status}`, failureSchema([...codes], data)]);
  const body = operation.body && { [`${nameOf(operation)}Request`]: bodySchema(operation.body) };
  return { ...body, ...Object.fromEntries(failures) };
}

/** The errorCodes that an operation can return, by HTTP status. */
function failureNumbers(operation: Operation): Map<number, Set<string>> {
  const numbers = new Map<number, Set<string>>();
  const add = (status: number, number: string) => numbers.set(status, (numbers.get(status) ?? new Set()).add(number));
  // Any operation's path or query may be malformed.
  add(400, errorNumbers.INVALID_PARAMETER.errorCode);
  for (const code of operation.errors) add(errorNumbers[code].status, errorNumbers[code].errorCode);
  if (!operation.methods.includes('GET')) add(409, errorNumbers.IDEMPOTENCY_KEY_REUSED.errorCode);
  for (const status of commonRefusals) add(status, String(status));
  if (operation.body) for (const status of [413, 415]) add(status, String(status));
  return numbers;
}

function responses(operation: Operation, answer: JsonSchema): JsonSchema {
  return Object.fromEntries([
    [String(operation.success), success(operation, answer)],
    ...[...failureNumbers(operation)]
      .sort(([one], [other]) => one - other)
      .map(([status, codes]) => {
        const reason =
          refusalMessages[status as RefusalStatus] ??
          (status === 400 ? 'The request is malformed or incomplete, or a platform refused it' : 'Conflict');
        const schema = reference(status in refusalMessages ? `Refusal${status}` : `${nameOf(operation)}Failure${status}`);
        return [String(status), response(`${reason}: ${[...codes].join(', ')}.`, schema)];
      }),
    ['default', otherRefusals(operation)],
  ]);
}

/** What a request gets that reaches no operation: an unknown path, or a method that the path does not have. */
function otherRefusals(operation: Operation): JsonSchema {
  const described = failureNumbers(operation);
  const others = Object.keys(refusalMessages).filter((status) => !described.has(Number(status)));
  return response('Refused before the operation.', { anyOf: others.map((status) => reference(`Refusal${status}`)) });
}

const reference = (schema: string) => ({ $ref: `#/components/schemas/${schema}` });

/** `createBot` → `CreateBot` */
const nameOf = ({ operation }: Operation) => `${operation.charAt(0).toUpperCase()}${operation.slice(1)}`;

function success(operation: Operation, example: JsonSchema): JsonSchema {
  const schema = reference(`${operation.dataSchema}Answer`);
  const location = { description: 'The path of the new resource.', schema: { type: 'string' } };
  return {
    description: 'Success.',
    headers: operation.success === 201 ? { Location: location } : undefined,
    content: { 'application/json': { schema, example } },
  };
}

function response(description: string, schema: JsonSchema): JsonSchema {
  return { description, content: { 'application/json': { schema } } };
}

/** The envelopes of errors that concern no value of the request. */
function refusalSchemas(): JsonSchema {
  return Object.fromEntries(Object.keys(refusalMessages).map((status) => [`Refusal${status}`, failureSchema([status])]));
}

function failureSchema(errorCodes: readonly string[], data?: JsonSchema): JsonSchema {
  return {
    type: 'object',
    required: ['errorCode', 'message'],
    properties: {
      errorCode: { type: 'string', enum: errorCodes, description: 'Number of the error, as text.' },
      message: { type: 'string', minLength: 1, description: 'What is wrong.' },
      ...(data && { data: { ...data, description: 'The offending value, as text.' } }),
    },
  };
}
