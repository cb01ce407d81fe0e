import { Counter } from 'prom-client';
import type { ObserveRefusal, RequestReport } from '../admission/observed.ts';
import type { ObserveOperation, OperationReport } from '../execution/operations.ts';
import { onRefusedDocument } from '../execution/refused-documents.ts';
import { createDurations } from './durations.ts';
import { boundedLabel, type Registers } from './registers.ts';

/** The classes of HTTP statuses, by their first digit. */
export const CLASSES = Array.from({ length: 10 }, (_, digit) => `${digit}xx`);

/** Requests over HTTP, and refusals by limits. */
export function requestMetrics(registers: Registers): {
  observeRequest: (report: RequestReport) => void;
  observeRefusal: ObserveRefusal;
} {
  const observe = createDurations({
    name: 'gateway_request_duration_seconds',
    help: 'Time from a request to the beginning of its response, by face and class of status (2xx, 4xx, 5xx)',
    labelNames: ['face', 'status'],
    registers,
  });
  const refused = new Counter({
    name: 'gateway_refused_total',
    help: 'Requests, operations and connections that a limit refused, by limit',
    labelNames: ['limit'],
    registers,
  });
  return {
    observeRequest: ({ face, status, durationMs }) => observe(durationMs / 1000, face, CLASSES[Math.floor(status / 100)] ?? 'other'),
    observeRefusal: (limit) => refused.inc({ limit }),
  };
}

/** Documents that are refused before their operation runs. */
export function refusedDocumentMetrics(registers: Registers): { close: () => void } {
  const refused = new Counter({
    name: 'gateway_documents_refused_total',
    help: 'GraphQL documents that were refused before their operation ran, by code: not parsed, not valid, beyond a limit, or not trusted',
    labelNames: ['code'],
    registers,
  });
  const codeOf = boundedLabel();
  return { close: onRefusedDocument((code) => refused.inc({ code: codeOf(code) })) };
}

/** How often operations with one label have run in one way, with one outcome. */
interface Runs extends Pick<OperationReport, 'face' | 'kind' | 'outcome' | 'planned'> {
  count: number;
}

/** Operations of both faces. */
export function operationMetrics(registers: Registers): ObserveOperation {
  const runs = new Map<string, Runs[]>();
  new Counter({
    name: 'gateway_operations_total',
    help: 'Operations that were run, by face, kind, name (trusted, or the first field), outcome (OK, an error code, TIMEOUT, or ABANDONED by its client), and way (planned or general)',
    labelNames: ['face', 'kind', 'operation', 'outcome', 'way'],
    registers,
    collect() {
      this.reset();
      for (const [operation, ofIt] of runs)
        for (const { face, kind, outcome, planned, count } of ofIt)
          this.inc({ face, kind, operation, outcome, way: planned ? 'planned' : 'general' }, count);
    },
  });
  const observe = createDurations({
    name: 'gateway_operation_duration_seconds',
    help: 'Time from the turn of an operation to its result; of a subscription, until it has opened',
    labelNames: ['face', 'operation'],
    registers,
  });

  function firstOf({ face, kind, label, outcome, planned }: OperationReport): Runs {
    const created = { face, kind, outcome, planned, count: 0 };
    const ofIt = runs.get(label);
    if (ofIt) ofIt.push(created);
    else runs.set(label, [created]);
    return created;
  }

  return (report) => {
    const found = runs.get(report.label)?.find((one) => isOf(one, report)) ?? firstOf(report);
    found.count += 1;
    observe(report.durationMs / 1000, report.face, report.label);
  };
}

// An operation has few outcomes, so a loop over them costs less than joining all labels to a key.
const isOf = (runs: Runs, { face, kind, outcome, planned }: OperationReport) =>
  runs.outcome === outcome && runs.planned === planned && runs.face === face && runs.kind === kind;
