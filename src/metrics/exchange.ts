import { Counter, Histogram } from 'prom-client';
import { jobsOfRecords, onFailedRecord } from '../domain/failed-records.ts';
import { onStep } from '../domain/messages/message-steps.ts';
import type { ObserveJob } from '../exchange/jobs/jobs.ts';
import type { ObserveDisabled } from '../exchange/observed.ts';
import type { ObserveCall } from '../platforms/observed.ts';
import { createDurations } from './durations.ts';
import { boundedLabel, type Registers } from './registers.ts';

/** Records that jobs could not handle. */
export function failedRecordMetrics(registers: Registers): { close: () => void } {
  const failed = new Counter({
    name: 'gateway_job_records_failed_total',
    help: 'Records that a job could not handle while it went on with the others, by job: an SMS, a message, an erasure, an enterprise',
    labelNames: ['job_name'],
    registers,
  });
  // From 0 on, or the first one would be no increase.
  for (const job of jobsOfRecords) failed.inc({ job_name: job }, 0);
  return { close: onFailedRecord((job) => failed.inc({ job_name: job })) };
}

/** Messages by what has become of them. */
export function messageMetrics(registers: Registers): { close: () => void } {
  const steps = new Counter({
    name: 'gateway_messages_total',
    help: 'Steps of messages: QUEUED when accepted, SENDING, SENT or DELIVERED when handed over, FAILED or UNDELIVERED with the reason',
    labelNames: ['direction', 'status', 'reason'],
    registers,
  });
  const reasonOf = boundedLabel();
  // From 0 on, or the first failures would be no increase.
  for (const direction of ['INBOUND', 'OUTBOUND']) steps.inc({ direction, status: 'FAILED', reason: '' }, 0);
  const close = onStep(({ direction, status, reason }) =>
    steps.inc({ direction, status, reason: reason === undefined ? '' : reasonOf(reason) }),
  );
  return { close };
}

/** Requests to the platforms. */
export function callMetrics(registers: Registers): ObserveCall {
  const observe = createDurations({
    name: 'gateway_platform_call_duration_seconds',
    help: 'Time of requests to platforms until the response begins, by service and outcome: the status, Timeout, Unreachable or ConnectionLost',
    labelNames: ['service', 'outcome'],
    registers,
  });
  return ({ service }) => {
    const began = performance.now();
    return { ended: (outcome) => observe((performance.now() - began) / 1000, service, String(outcome)) };
  };
}

/** Requests to webhook endpoints, by the class of their status: counts those of a client. */
export function countedWebhooks(
  registers: Registers,
): <Client extends { post(...request: never[]): Promise<{ readonly status: number | null }> }>(client: Client) => Client {
  const requests = new Counter({
    name: 'gateway_webhook_requests_total',
    help: 'Requests to webhook endpoints by class of status (2xx: accepted); none: no response',
    labelNames: ['status'],
    registers,
  });
  return (client) => ({
    ...client,
    post: async (...request: never[]) => {
      const outcome = await client.post(...request);
      requests.inc({ status: outcome.status === null ? 'none' : `${Math.floor(outcome.status / 100)}xx` });
      return outcome;
    },
  });
}

/** Webhook endpoints that the gateway has disabled. */
export function disabledMetrics(registers: Registers): ObserveDisabled {
  const disabled = new Counter({
    name: 'gateway_webhook_endpoints_disabled_total',
    help: 'Webhook endpoints that this instance has disabled, by reason: FAILING for three days, or GONE (410)',
    labelNames: ['reason'],
    registers,
  });
  // From 0 on, or the first one would be no increase.
  for (const reason of ['FAILING', 'GONE']) disabled.inc({ reason }, 0);
  return (reason) => disabled.inc({ reason });
}

/** Periodic jobs. */
export function jobMetrics(registers: Registers): ObserveJob {
  const durations = new Histogram({
    name: 'gateway_job_duration_seconds',
    help: 'Time of runs of periodic jobs on this instance, by name and outcome (done or failed)',
    // Prometheus itself has a label `job`.
    labelNames: ['job_name', 'outcome'],
    buckets: [0.01, 0.1, 1, 10, 60, 600],
    registers,
  });
  return (job, outcome, durationMs) => durations.observe({ job_name: job, outcome }, durationMs / 1000);
}
