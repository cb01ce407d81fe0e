import { errorNumbers, type RefusalStatus, refusalMessages } from './errors.ts';
import { successSchemas } from './openapi-schemas.ts';
import type { BodyField, JsonSchema, Method, Operation, QueryParameter } from './operation.ts';
import type { ContractSettings } from './settings.ts';
import { table } from './table.ts';

/** The refusals that any operation can return. 404 and 405 are for paths and methods that are not operations. */
const commonRefusals: readonly RefusalStatus[] = [401, 403, 429, 500, 503];

/** Creates the OpenAPI 3.1 document from the table that the handler runs. Aliases are paths of their own. */
export function openApi(settings: ContractSettings): JsonSchema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of table) {
    for (const [index, path] of [operation.path, ...operation.aliases].entries()) {
      for (const method of operation.methods) {
        paths[path] = { ...paths[path], [method.toLowerCase()]: describeOperation(operation, method, path, index) };
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
        'The same data is available at /graphql. Other paths return 404 (Refusal404), other methods 405 (Refusal405). A trailing slash is ignored.',
    },
    servers: [{ url: '/' }],
    security: [{ basic: [] }, { accessToken: [] }],
    tags: [{ name: 'Enterprises' }, { name: 'Mappings' }, { name: 'Bots' }, { name: 'Messages' }],
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
      schemas: { ...successSchemas(settings), ...refusalSchemas() },
    },
  };
}

function describeOperation(operation: Operation, method: Method, path: string, index: number): JsonSchema {
  const alternative = method === operation.methods[0] ? '' : `_${method.toLowerCase()}`;
  const parameters = [
    ...(path.includes('{sid}') ? [sid] : []),
    ...(operation.query ?? []).map(describeParameter),
    ...(method === 'GET' ? [] : [idempotencyKey]),
  ];
  return {
    operationId: operation.operation + alternative + (index === 0 ? '' : `_alias${index}`),
    summary: operation.summary,
    description: index === 0 ? undefined : `Same as ${operation.path}.`,
    tags: [`${operation.dataSchema.replace(/^Created|Page$/g, '')}s`],
    parameters: parameters.length > 0 ? parameters : undefined,
    requestBody: operation.body && {
      required: operation.body.some((field) => field.mandatory),
      content: { 'application/json': { schema: bodySchema(operation.body) } },
    },
    responses: responses(operation),
  };
}

const sid = { name: 'sid', in: 'path', required: true, description: 'Sid of the resource.', schema: { type: 'string' } };

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'Makes the request safe to retry for 24 hours: the same key and input return the first response again; the same key with another input is a conflict (409).',
  schema: { type: 'string' },
};

function describeParameter({ name, description, schema }: QueryParameter): JsonSchema {
  return { name, in: 'query', description: `${description} The parameter name is case-insensitive.`, schema };
}

function bodySchema(fields: readonly BodyField[]): JsonSchema {
  const required = fields.filter((field) => field.mandatory && !field.aliases).map((field) => field.name);
  const twoSpellings = fields.filter((field) => field.mandatory && field.aliases);
  return {
    type: 'object',
    required: required.length > 0 ? required : undefined,
    properties: Object.fromEntries(
      fields.flatMap((field) => [field.name, ...(field.aliases ?? [])].map((name) => [name, fieldSchema(field)])),
    ),
    allOf:
      twoSpellings.length > 0
        ? twoSpellings.map((field) => ({ anyOf: [field.name, ...(field.aliases ?? [])].map((name) => ({ required: [name] })) }))
        : undefined,
  };
}

function fieldSchema(field: BodyField): JsonSchema {
  if (field.fields) return { ...bodySchema(field.fields), description: field.description };
  return {
    type: 'string',
    description: field.values ? `${field.description} Case-insensitive.` : field.description,
    format: field.secret ? 'password' : undefined,
  };
}

function responses(operation: Operation): JsonSchema {
  const data = operation.nestsFailureData
    ? { type: 'object', required: ['data'], additionalProperties: false, properties: { data: { type: 'string' } } }
    : { type: 'string' };
  const numbers = new Map<number, Set<string>>();
  const add = (status: number, number: string) => numbers.set(status, (numbers.get(status) ?? new Set()).add(number));
  // Any operation's path or query may be malformed.
  add(400, errorNumbers.INVALID_PARAMETER.errorCode);
  for (const code of operation.errors) add(errorNumbers[code].status, errorNumbers[code].errorCode);
  if (!operation.methods.includes('GET')) add(409, errorNumbers.IDEMPOTENCY_KEY_REUSED.errorCode);
  for (const status of commonRefusals) add(status, String(status));
  if (operation.body) for (const status of [413, 415]) add(status, String(status));
  return Object.fromEntries([
    [String(operation.success), response('Success.', { $ref: `#/components/schemas/${operation.dataSchema}Answer` })],
    ...[...numbers]
      .sort(([one], [other]) => one - other)
      .map(([status, codes]) => {
        const reason =
          refusalMessages[status as RefusalStatus] ??
          (status === 400 ? 'The request is malformed or incomplete, or a platform refused it' : 'Conflict');
        const schema = status in refusalMessages ? { $ref: `#/components/schemas/Refusal${status}` } : failureSchema([...codes], data);
        return [String(status), response(`${reason}: ${[...codes].join(', ')}.`, schema)];
      }),
  ]);
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
    additionalProperties: false,
    properties: {
      errorCode: { type: 'string', enum: errorCodes },
      message: { type: 'string', minLength: 1 },
      ...(data && { data: { ...data, description: 'The offending value, as text.' } }),
    },
  };
}
