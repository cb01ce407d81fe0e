import { collectDefaultMetrics, Registry } from 'prom-client';
import type { ObserveRefusal, RequestReport } from '../admission/observed.ts';
import type { ObserveStatement } from '../database/observed.ts';
import type { ListRead } from '../database/standby.ts';
import type { ObserveJob } from '../exchange/jobs/jobs.ts';
import type { ObserveDisabled } from '../exchange/observed.ts';
import type { ObserveOperation } from '../execution/operations.ts';
import type { ObserveCall } from '../platforms/observed.ts';
import { backlogMetrics, type ReadBacklog } from './backlog.ts';
import { countedCache } from './caches.ts';
import { databaseMetrics, type PoolsByName, standbyMetrics } from './database.ts';
import { callMetrics, countedWebhooks, disabledMetrics, failedRecordMetrics, jobMetrics, messageMetrics } from './exchange.ts';
import { operationMetrics, refusedDocumentMetrics, requestMetrics } from './faces.ts';
import { type Streams, streamMetrics } from './streams.ts';

/** This process's metrics: the observers that fill them, and their text. Every label has few values: no sid, number or text is one. */
export interface Metrics {
  readonly observeRequest: (report: RequestReport) => void;
  readonly observeOperation: ObserveOperation;
  readonly observeRefusal: ObserveRefusal;
  readonly observeStatement: ObserveStatement;
  readonly observeListRead: (read: ListRead) => void;
  readonly observeCall: ObserveCall;
  readonly observeJob: ObserveJob;
  readonly observeEndpointDisabled: ObserveDisabled;
  /** Counts the hits and misses of a cache. @returns the cache to use in its place */
  readonly counted: <Cache extends { get(key: string): unknown }>(name: string, cache: Cache) => Cache;
  /** Counts the requests of a client of webhook endpoints. @returns the client to use in its place */
  readonly countedWebhooks: ReturnType<typeof countedWebhooks>;
  /** Sets what is measured when the metrics are read. */
  readonly measure: (sources: Sources) => void;
  /** All metrics, as OpenMetrics. */
  readonly text: () => Promise<string>;
  readonly contentType: string;
  /** Observes no further message, record or document. */
  readonly close: () => void;
}

interface Sources {
  readonly connections: PoolsByName;
  /** For how long lists have been read from the primary, in s. Absent: there is no standby. */
  readonly standbyAwayFor?: () => number;
  readonly streams: Streams;
  readonly readBacklog: ReadBacklog;
}

/** Creates the metrics of one process. */
export function createMetrics(): Metrics {
  const registry = new Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  let sources: Sources | undefined;
  const published = [messageMetrics(registers), failedRecordMetrics(registers), refusedDocumentMetrics(registers)];
  // Before the backlog, whose statements would be counted among those that wait.
  const observeStatement = databaseMetrics(registers, () => sources?.connections);
  backlogMetrics(registers, async () => sources?.readBacklog());
  streamMetrics(registers, () => sources?.streams);
  return {
    ...requestMetrics(registers),
    observeOperation: operationMetrics(registers),
    observeStatement,
    observeListRead: standbyMetrics(registers, () => sources?.standbyAwayFor?.()),
    observeCall: callMetrics(registers),
    observeJob: jobMetrics(registers),
    observeEndpointDisabled: disabledMetrics(registers),
    counted: countedCache(registers),
    countedWebhooks: countedWebhooks(registers),
    measure: (given) => {
      sources = given;
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
    close: () => {
      for (const { close } of published) close();
    },
  };
}
