import { readFileSync } from 'node:fs';
import { GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import { isObject } from '../../server/json.ts';
import { SettingsError } from '../../settings-error.ts';

export interface TrustedDocumentsSettings {
  /** `only`: nothing else is run. `prefer`: other operations are run too. */
  readonly mode: 'prefer' | 'only';
  /** The manifest's path. */
  readonly file: string;
}

/** What a request says of the operation that it wants. */
export interface Named {
  readonly query?: unknown;
  readonly documentId?: unknown;
  readonly extensions?: unknown;
}

export interface TrustedDocuments {
  /** Is this the text of a trusted document? */
  readonly has: (text: string) => boolean;
  /**
   * The text that a request names or has. `undefined` where it does neither.
   * @throws GraphQLError with APQ's codes, where the name is unknown or another text is not run
   */
  readonly resolve: (named: Named) => string | undefined;
}

/**
 * The operations that a build step of the operator's own clients has listed, by id. Requests name one by `documentId`, or as APQ does, by
 * `extensions.persistedQuery.sha256Hash`. None is ever added by a request, as APQ would: anyone with credentials could fill a store, and a list
 * that its users add to is not one of trust.
 *
 * @throws SettingsError where the manifest can't be read or a document does not fit the schema
 */
export function loadTrustedDocuments(settings: TrustedDocumentsSettings | undefined, schema: GraphQLSchema): TrustedDocuments {
  const byId = settings ? readManifest(settings.file, schema) : new Map<string, string>();
  const texts = new Set(byId.values());

  function resolve({ query, documentId, extensions }: Named): string | undefined {
    const id = documentId ?? hashOf(extensions);
    const text = typeof query === 'string' && query !== '' ? query : undefined;
    if (typeof id === 'string') {
      const known = byId.get(id) ?? byId.get(id.replace(/^sha256:/, ''));
      if (known !== undefined) return known;
      if (!settings && text === undefined) throw refused('PersistedQueryNotSupported', 'PERSISTED_QUERY_NOT_SUPPORTED');
      // A text with a hash is what APQ stores: here it is run like any other, and not stored.
      if (settings?.mode === 'only' || text === undefined) throw refused('PersistedQueryNotFound', 'PERSISTED_QUERY_NOT_FOUND');
    }
    if (settings?.mode === 'only' && text !== undefined && !texts.has(text)) {
      throw refused('Only trusted documents are run here: name one by documentId', 'PERSISTED_QUERY_ONLY', 400);
    }
    return text;
  }

  return { has: (text) => texts.has(text), resolve };
}

/** In APQ's form. Clients expect 200 with application/json, which `spec` makes of the status. */
function refused(message: string, code: string, status?: number): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: status ? { status } : { status: 404, spec: true } } });
}

function hashOf(extensions: unknown): unknown {
  if (!isObject(extensions) || !isObject(extensions.persistedQuery)) return undefined;
  return extensions.persistedQuery.version === 1 ? extensions.persistedQuery.sha256Hash : undefined;
}

function readManifest(file: string, schema: GraphQLSchema): Map<string, string> {
  const complain = (why: string) => new SettingsError(`TRUSTED_DOCUMENTS_FILE is invalid (${file}): ${why}`);
  let manifest: unknown;
  try {
    manifest = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw complain(error instanceof SyntaxError ? 'it is not JSON' : `it can't be read: ${(error as Error).message}`);
  }
  const documents = documentsOf(manifest);
  if (!documents) throw complain("it takes Relay's form, {id: document}, or Apollo's, {format, version: 1, operations: [{id, body}]}");
  for (const [id, text] of documents) {
    const [problem] = problems(text, schema);
    if (problem) throw complain(`document ${id} does not fit the schema: ${problem.message}`);
  }
  return new Map(documents);
}

function problems(text: string, schema: GraphQLSchema): readonly GraphQLError[] {
  try {
    return validate(schema, parse(text));
  } catch (error) {
    if (error instanceof GraphQLError) return [error];
    throw error;
  }
}

/** Ids and documents of a manifest in either form; `undefined` where it has another. */
function documentsOf(manifest: unknown): (readonly [string, string])[] | undefined {
  if (!isObject(manifest)) return undefined;
  if (manifest.format !== 'apollo-persisted-query-manifest') return strings(Object.entries(manifest));
  if (manifest.version !== 1 || !Array.isArray(manifest.operations)) return undefined;
  return strings(manifest.operations.map((operation) => (isObject(operation) ? [operation.id, operation.body] : [])));
}

const strings = (pairs: readonly (readonly unknown[])[]) =>
  pairs.every((pair) => pair.length === 2 && pair.every((one) => typeof one === 'string'))
    ? (pairs as readonly (readonly [string, string])[]).slice()
    : undefined;
