import type { ErrorCode, NotFoundError } from '../../domain/errors.ts';
import type { ContractSettings } from './settings.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** A JSON Schema (2020-12), or another object of an OpenAPI 3.1 document. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** A query parameter. */
export interface QueryParameter {
  /** As documented. Requests may write it in any case. */
  readonly name: string;
  /** Other names, also in any case. */
  readonly aliases?: readonly string[];
  readonly description: string;
  readonly schema: JsonSchema;
  /** A value that finds something in the vendor's documentation. */
  readonly example?: string | number;
  /** Whether a value may begin with `+`, which a query string turns into a space. */
  readonly leadingPlus?: boolean;
  /**
   * @param text trimmed and not empty
   * @throws ContractFailure 450 if it has the wrong form
   */
  parse(text: string): unknown;
}

/** A field of a request body. The contract checks its JSON type, the domain its value. A blank one is absent. */
export interface BodyField {
  readonly name: string;
  /** Its name in the graph's input, if that is another. */
  readonly graphName?: string;
  readonly aliases?: readonly string[];
  readonly description: string;
  /** If it is absent, the domain gets '' or an object of missing fields, and reports it with all others that are missing. */
  readonly mandatory?: boolean;
  /** Never quoted in a response. */
  readonly secret?: boolean;
  /** The values of the graph's enum. Requests may write them in any case. */
  readonly values?: readonly string[];
  /** Completes "Parameter x is invalid: …" for any other value, in place of a list of `values`. */
  readonly rule?: string;
  /** The fields of a nested object. */
  readonly fields?: readonly BodyField[];
}

/** A well-formed request. */
export interface ContractRequest {
  /** From the path; '' if it has none. */
  readonly sid: string;
  /** Parsed query parameters by documented name. */
  readonly query: Readonly<Record<string, unknown>>;
  /** The documented query parameters except page and pageSize, as text, in the request's order: for the page URIs. */
  readonly given: readonly (readonly [name: string, text: string])[];
  readonly page: number;
  readonly pageSize: number;
  /** Body values by their names in the graph's input. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly idempotencyKey: string | undefined;
  /** Whether client secrets are shown in full, not masked. */
  readonly showSecrets: boolean;
}

/** An operation of the contract (REST.md, Operations), and the GraphQL operation that it runs. */
export interface Operation {
  /** Its OpenAPI operationId. */
  readonly operation: string;
  readonly summary: string;
  readonly methods: readonly Method[];
  readonly path: string;
  readonly aliases: readonly string[];
  /** The HTTP status of a success. */
  readonly success: 200 | 201;
  readonly query?: readonly QueryParameter[];
  readonly body?: readonly BodyField[];
  /** Whether a failure's `data` is `{ "data": value }`. True for create enterprise only. */
  readonly nestsFailureData?: boolean;
  /** OpenAPI's schema of a success's `data`: a name in components.schemas. */
  readonly dataSchema: string;
  /** The domain's errors that it can return, for OpenAPI. */
  readonly errors: readonly ErrorCode[];
  /** A GraphQL operation whose only root field has the alias `result`. */
  readonly document: string;
  variables(request: ContractRequest): Record<string, unknown>;
  /**
   * Makes a success's `data`.
   * @param result the document's root field: a mutation's success, or a query's result that is not null
   */
  dataOf(result: unknown, request: ContractRequest, settings: ContractSettings): unknown;
  /** The error for a `result` that is null. */
  notFound?(sid: string): NotFoundError;
}

/** The type of a mutation's success: `createMapping` → `CreateMappingSuccess` */
export const successType = (mutation: string) => `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Success`;
