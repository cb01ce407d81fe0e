import { failures, type RefusalStatus, refusals } from './errors.ts';
import { answers } from './openapi-answers.ts';
import type { BodyField, JsonSchema, Method, Operation, QueryParameter } from './operation.ts';
import type { Settings } from './settings.ts';
import { table } from './table.ts';

/** Any operation may end in one of these. 404 and 405 are answers to paths and methods that are no operation. */
const common: readonly RefusalStatus[] = [401, 403, 429, 500, 503];

/**
 * The contract as an OpenAPI 3.1 document, made from the table that the handler runs. Every alias stands in it as a path of its
 * own; a trailing slash, which is accepted everywhere, does not.
 */
export function openApi(settings: Settings): JsonSchema {
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
        'Enterprises (Business Customers), mappings of Teams users to numbers, bots and messages of a Communications Provider. ' +
        'The same data is at /graphql. A path that is none of these answers 404 (Refusal404), another method 405 (Refusal405).',
    },
    servers: [{ url: '/' }],
    security: [{ basic: [] }, { accessToken: [] }],
    tags: [{ name: 'Enterprises' }, { name: 'Mappings' }, { name: 'Bots' }, { name: 'Messages' }],
    paths,
    components: {
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic', description: 'User: the account SID. Password: its auth token.' },
        accessToken: { type: 'http', scheme: 'bearer', description: "A short-lived token of the graph's mutation createAccessToken." },
      },
      schemas: { ...answers(settings), ...refusalSchemas() },
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
    description: index === 0 ? undefined : `The same as ${operation.path}.`,
    tags: [`${operation.answer.replace(/^Created|Page$/g, '')}s`],
    parameters: parameters.length > 0 ? parameters : undefined,
    requestBody: operation.body && {
      required: operation.body.some((field) => field.mandatory),
      content: { 'application/json': { schema: bodySchema(operation.body) } },
    },
    responses: responses(operation),
  };
}

const sid = { name: 'sid', in: 'path', required: true, description: 'The sid.', schema: { type: 'string' } };

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'The same key and input within 24 hours gives the first answer again; another input is a conflict.',
  schema: { type: 'string' },
};

function describeParameter({ name, description, schema }: QueryParameter): JsonSchema {
  return { name, in: 'query', description: `${description} The name may be written in any case.`, schema };
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
    description: field.values ? `${field.description} In any case.` : field.description,
    format: field.secret ? 'password' : undefined,
  };
}

function responses(operation: Operation): JsonSchema {
  const data = operation.nestsFailureData
    ? { type: 'object', required: ['data'], additionalProperties: false, properties: { data: { type: 'string' } } }
    : { type: 'string' };
  const numbers = new Map<number, Set<string>>();
  const add = (status: number, number: string) => numbers.set(status, (numbers.get(status) ?? new Set()).add(number));
  // The path and the query can be malformed whatever the operation.
  add(400, failures.INVALID_PARAMETER.errorCode);
  for (const code of operation.errors) add(failures[code].status, failures[code].errorCode);
  if (!operation.methods.includes('GET')) add(409, failures.IDEMPOTENCY_KEY_REUSED.errorCode);
  for (const status of common) add(status, String(status));
  if (operation.body) for (const status of [413, 415]) add(status, String(status));
  return Object.fromEntries([
    [String(operation.success), response('Done.', { $ref: `#/components/schemas/${operation.answer}Answer` })],
    ...[...numbers]
      .sort(([one], [other]) => one - other)
      .map(([status, codes]) => {
        const reason =
          refusals[status as RefusalStatus] ?? (status === 400 ? 'Malformed, incomplete, or refused by a platform' : 'Conflict');
        const schema = status in refusals ? { $ref: `#/components/schemas/Refusal${status}` } : failureSchema([...codes], data);
        return [String(status), response(`${reason}: ${[...codes].join(', ')}.`, schema)];
      }),
  ]);
}

function response(description: string, schema: JsonSchema): JsonSchema {
  return { description, content: { 'application/json': { schema } } };
}

/** What is refused for no single value. */
function refusalSchemas(): JsonSchema {
  return Object.fromEntries(Object.keys(refusals).map((status) => [`Refusal${status}`, failureSchema([status])]));
}

function failureSchema(errorCodes: readonly string[], data?: JsonSchema): JsonSchema {
  return {
    type: 'object',
    required: ['errorCode', 'message'],
    additionalProperties: false,
    properties: {
      errorCode: { type: 'string', enum: errorCodes },
      message: { type: 'string', minLength: 1 },
      ...(data && { data: { ...data, description: 'The offending value.' } }),
    },
  };
}
