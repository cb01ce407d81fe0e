import { Counter } from 'prom-client';
import type { ObserveRefusal, RequestReport } from '../admission/observed.ts';
import type { ObserveOperation } from '../execution/operations.ts';
import { createDurations } from './durations.ts';
import type { Registers } from './registers.ts';
import { createTally } from './tally.ts';

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
    observeRequest: ({ face, status, durationMs }) => observe(durationMs / 1000, face, `${Math.floor(status / 100)}xx`),
    observeRefusal: (limit) => refused.inc({ limit }),
  };
}

/** Operations of both faces. */
export function operationMetrics(registers: Registers): ObserveOperation {
  const count = createTally({
    name: 'gateway_operations_total',
    help: 'Operations that were run, by face, kind, name (trusted, or the first field), outcome (OK or an error code), and way (planned or general)',
    labelNames: ['face', 'kind', 'operation', 'outcome', 'way'],
    registers,
  });
  const observe = createDurations({
    name: 'gateway_operation_duration_seconds',
    help: 'Time from the turn of an operation to its result; of a subscription, until it has opened',
    labelNames: ['face', 'operation'],
    registers,
  });
  return ({ face, kind, label, outcome, planned, durationMs }) => {
    count(face, kind, label, outcome, planned ? 'planned' : 'general');
    observe(durationMs / 1000, face, label);
  };
}
