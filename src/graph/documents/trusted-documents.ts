import { readFileSync } from 'node:fs';
import { GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import { isObject } from '../../json.ts';
import { SettingsError } from '../../settings-error.ts';

export interface TrustedDocumentsSettings {
  /** `only`: no other document is run, except the console's if it is served. `prefer`: others are run too. */
  readonly mode: 'prefer' | 'only';
  /** Path of the manifest. */
  readonly file: string;
}

/** The parameters of a request that name its document. */
export interface DocumentReference {
  readonly query?: unknown;
  readonly documentId?: unknown;
  readonly extensions?: unknown;
}

/** The code for a hash where requests add no documents. */
export const NOT_SUPPORTED = 'PERSISTED_QUERY_NOT_SUPPORTED';

export interface TrustedDocuments {
  /** The names of their operations, the console's among them. */
  readonly names: ReadonlySet<string>;
  /** Whether this is the text of a trusted document. */
  readonly has: (text: string) => boolean;
  /**
   * Finds the text of a request's document.
   * @returns `undefined` if the request has none
   * @throws GraphQLError, with the codes of automatic persisted queries, if the id is unknown or the text is not trusted
   */
  readonly resolve: (reference: DocumentReference) => string | undefined;
}

/**
 * Loads the manifest of trusted documents, which a build step of the operator's clients writes. Requests refer to a document by `documentId`, or by
 * `extensions.persistedQuery.sha256Hash` as in automatic persisted queries (APQ). Unlike APQ, requests add none: any client could fill the store, and
 * its documents would not be trusted.
 * @param settings absent: the operator trusts none
 * @param own the documents of the gateway's own page, by id: they are found in every mode, and checked like any other
 * @throws SettingsError if the manifest cannot be read, or a document is not valid against the schema
 */
export function loadTrustedDocuments(
  settings: TrustedDocumentsSettings | undefined,
  schema: GraphQLSchema,
  own: ReadonlyMap<string, string> = new Map(),
): TrustedDocuments {
  const byId = settings ? readManifest(settings.file, schema) : new Map<string, string>();
  const texts = new Set(byId.values());

  function resolve({ query, documentId, extensions }: DocumentReference): string | undefined {
    const id = documentId ?? hashOf(extensions);
    const text = typeof query === 'string' && query !== '' ? query : undefined;
    if (typeof id === 'string') {
      const hash = id.replace(/^sha256:/, '');
      const known = byId.get(id) ?? byId.get(hash) ?? own.get(hash);
      if (known !== undefined) return known;
      // No request adds a document. After `NotFound`, APQ's clients would send each hash, then its text, every time; after this, only texts.
      if (settings?.mode !== 'only' && text === undefined && (!settings || documentId === undefined))
        throw persistedQueryError('PersistedQueryNotSupported', NOT_SUPPORTED);
      // APQ would store a text that comes with a hash: here it is run like any other.
      if (settings?.mode === 'only' || text === undefined) throw persistedQueryError('PersistedQueryNotFound', 'PERSISTED_QUERY_NOT_FOUND');
    }
    if (settings?.mode === 'only' && text !== undefined && !texts.has(text)) {
      throw persistedQueryError('Only trusted documents are run: send a documentId', 'PERSISTED_QUERY_ONLY', 400);
    }
    return text;
  }

  const names = new Set([...texts, ...own.values()].flatMap((text) => [...text.matchAll(OPERATION_NAME)].map(([, name = '']) => name)));
  return { names, has: (text) => texts.has(text), resolve };
}

const OPERATION_NAME = /\b(?:query|mutation|subscription)\s+([A-Za-z_]\w*)/g;

/** `spec` makes Yoga send 200 with application/json, which APQ's clients expect, and `status` with application/graphql-response+json. */
function persistedQueryError(message: string, code: string, status = 404): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status, spec: true } } });
}

function hashOf(extensions: unknown): unknown {
  if (!isObject(extensions) || !isObject(extensions.persistedQuery)) return undefined;
  return extensions.persistedQuery.version === 1 ? extensions.persistedQuery.sha256Hash : undefined;
}

function readManifest(file: string, schema: GraphQLSchema): Map<string, string> {
  const invalid = (why: string) => new SettingsError(`TRUSTED_DOCUMENTS_FILE is invalid (${file}): ${why}`);
  let manifest: unknown;
  try {
    manifest = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw invalid(error instanceof SyntaxError ? 'it is not JSON' : `it cannot be read: ${(error as Error).message}`);
  }
  const documents = documentsOf(manifest);
  if (!documents) throw invalid("it must have Relay's form, {id: document}, or Apollo's, {format, version: 1, operations: [{id, body}]}");
  for (const [id, text] of documents) {
    const [error] = validationErrors(text, schema);
    if (error) throw invalid(`document ${id} is not valid against the schema: ${error.message}`);
  }
  return new Map(documents);
}

function validationErrors(text: string, schema: GraphQLSchema): readonly GraphQLError[] {
  try {
    return validate(schema, parse(text));
  } catch (error) {
    if (error instanceof GraphQLError) return [error];
    throw error;
  }
}

/**
 * The ids and texts of a manifest.
 * @returns `undefined` if it has neither form
 */
function documentsOf(manifest: unknown): (readonly [string, string])[] | undefined {
  if (!isObject(manifest)) return undefined;
  if (manifest.format !== 'apollo-persisted-query-manifest') return stringPairs(Object.entries(manifest));
  if (manifest.version !== 1 || !Array.isArray(manifest.operations)) return undefined;
  return stringPairs(manifest.operations.map((operation) => (isObject(operation) ? [operation.id, operation.body] : [])));
}

const stringPairs = (pairs: readonly (readonly unknown[])[]) =>
  pairs.every((pair) => pair.length === 2 && pair.every((one) => typeof one === 'string'))
    ? (pairs as readonly (readonly [string, string])[]).slice()
    : undefined;
