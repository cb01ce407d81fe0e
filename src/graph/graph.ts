import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { Admission } from '../admission/admission.ts';
import type { Face } from '../admission/admit.ts';
import type { CredentialWatch } from '../admission/credential-watch.ts';
import type { CallerQuota } from '../admission/quota.ts';
import type { ObserveOperation } from '../execution/operations.ts';
import { createCompiledDocuments } from './compiled-documents.ts';
import type { ContextFor } from './context-for.ts';
import { createDocumentChecks, withoutSuggestion } from './documents/checks.ts';
import { loadTrustedDocuments, type TrustedDocumentsSettings } from './documents/trusted-documents.ts';
import { maskError } from './errors.ts';
import { createGraphFace } from './face.ts';
import { createSchemaFiles, type SchemaFiles } from './schema-files.ts';
import { createSimpleOperations } from './simple-operation.ts';
import { createStreaming } from './streaming.ts';
import type { StreamingGraph } from './streams/prepared.ts';
import { createYogaServer } from './yoga.ts';

/** The graph's settings. */
export interface GraphSettings {
  /** Whether introspection is allowed, and errors suggest names from the schema. */
  readonly introspection: boolean;
  /** Whether GraphiQL's page is served. */
  readonly graphiql: boolean;
  /** Absent: there are no trusted documents, and any operation is run. */
  readonly trustedDocuments?: TrustedDocumentsSettings;
}

interface GraphOptions extends GraphSettings {
  readonly schema: GraphQLSchema;
  readonly schemaFiles: SchemaFiles;
  /** The documents of the console, by id. */
  readonly consoleDocuments?: ReadonlyMap<string, string>;
  readonly contextFor: ContextFor;
  readonly credentials: CredentialWatch;
  readonly admission: Admission;
  /** Open streams of each account, over all transports. */
  readonly subscriptions: CallerQuota;
  /** Whether the gateway is shutting down. Streams then end, so that their clients reconnect elsewhere. */
  readonly isDraining: () => boolean;
  readonly observe: ObserveOperation;
  readonly log: Logger;
}

interface Graph {
  /** Over HTTP. */
  readonly face: Face;
  /** For WebSockets, where operations come without a request of their own. */
  readonly streaming: StreamingGraph;
}

/**
 * Creates the graph's face.
 * @throws SettingsError if the manifest of trusted documents cannot be used
 */
export function createGraph(options: GraphOptions): Graph {
  const { schema, contextFor, credentials, admission, subscriptions, isDraining, observe, log } = options;
  const trusted = loadTrustedDocuments(options.trustedDocuments, schema, options.consoleDocuments);
  const checks = createDocumentChecks({ schema, trusted, introspection: options.introspection });
  const mask = (error: unknown, requestId?: string) => {
    const masked = maskError(error, log, requestId);
    return options.introspection ? masked : withoutSuggestion(masked);
  };
  const yoga = createYogaServer({ schema, contextFor, mask, checks, trusted, admission, observe, log });
  const documents = createCompiledDocuments(schema, checks, trusted.names, log);
  const areAllDocumentsRun = options.trustedDocuments?.mode !== 'only';
  const simple = areAllDocumentsRun ? createSimpleOperations({ documents, contextFor, admission, observe }) : undefined;
  const streaming = createStreaming({
    ...{ schema, contextFor, mask, yoga, checks, trusted, credentials, admission, subscriptions, observe, log },
  });
  const schemaFile = createSchemaFiles(options.introspection ? options.schemaFiles : undefined);
  return { streaming, face: createGraphFace({ yoga, simple, streaming, schemaFile, graphiql: options.graphiql, isDraining }) };
}
