import type { ErrorCode, NotFoundError } from '../domain/errors.ts';
import type { Settings } from './settings.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** A JSON Schema 2020-12 node, as OpenAPI 3.1 has them. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** A query parameter: how it is documented and how its text becomes a value. */
export interface QueryParameter {
  /** The documented spelling. Requests may write it in any case. */
  readonly name: string;
  /** Other spellings that mean the same. */
  readonly aliases?: readonly string[];
  readonly description: string;
  readonly schema: JsonSchema;
  /** Can a value start with a `+`, which a query string turns into a space? */
  readonly leadingPlus?: boolean;
  /** `text` is trimmed and not empty. Throws a 450 where the text has the wrong form. */
  parse(text: string): unknown;
}

/** A field of a request body. The contract checks its JSON type; what a good value is, the domain says. */
export interface BodyField {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly description: string;
  /** An absent mandatory field is handed on as '', so that the domain names every missing one. */
  readonly mandatory?: boolean;
  /** Never repeated in an answer's `data`. */
  readonly secret?: boolean;
  /** The enum values that the graph knows, matched in any case, and what to say of others. */
  readonly values?: readonly string[];
  readonly why?: string;
  /** A nested object with these fields; one that is absent is handed on as if it were empty. */
  readonly fields?: readonly BodyField[];
}

/** A request that was read and found well-formed. */
export interface ContractRequest {
  /** From the path; '' where the path has none. */
  readonly sid: string;
  /** Parsed query values by documented name; absent ones are absent. */
  readonly query: Readonly<Record<string, unknown>>;
  /** The documented query parameters that the request gave, other than page and pageSize, in its order: for the page URIs. */
  readonly given: readonly (readonly [name: string, text: string])[];
  readonly page: number;
  readonly pageSize: number;
  /** Body values by documented name. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly idempotencyKey: string | undefined;
  /** Ask the graph for client secrets in full? Otherwise for their hints. */
  readonly showSecrets: boolean;
}

/** What one row of REST.md's table of operations is, and the graph's own operation that it runs. */
export interface Operation {
  readonly operation: string;
  readonly summary: string;
  readonly methods: readonly Method[];
  readonly path: string;
  readonly aliases: readonly string[];
  /** The HTTP status of success; the body's code is 200 whatever it is. */
  readonly success: 200 | 201;
  readonly query?: readonly QueryParameter[];
  readonly body?: readonly BodyField[];
  /** Only create enterprise: on failure, `data` is `{ "data": value }`. */
  readonly nestsFailureData?: boolean;
  /** The answer's `data` in OpenAPI: a name in components.schemas. */
  readonly answer: string;
  /** The domain errors that it can end in, for OpenAPI. */
  readonly errors: readonly ErrorCode[];
  /** One GraphQL operation, whose only root field has the alias `result`. */
  readonly document: string;
  variables(request: ContractRequest): Record<string, unknown>;
  /** `result` is what the document selected under that alias, never null. Returns the answer's `data`. */
  envelope(result: unknown, request: ContractRequest, settings: Settings): unknown;
  /** What to say when `result` is null. */
  notFound?(sid: string): NotFoundError;
}
