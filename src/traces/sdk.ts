import { setTimeout as delay } from 'node:timers/promises';
import { context, type DiagLogger, DiagLogLevel, diag, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { jsonFields } from '../platforms/request.ts';
import type { TracesSettings } from './settings.ts';
import { traceWith } from './spans.ts';

/** How long the last spans may take, in ms. */
const LAST_MS = 2000;

/** How often it is said that spans do not reach the collector, in ms. */
const SAY_MS = 60_000;

/**
 * Starts tracing this process. Spans leave by OTLP over HTTP, in batches; the exporter reads its addresses, headers, certificates and timeouts from
 * OTEL_EXPORTER_OTLP_* itself.
 * @param report called when spans do not reach the collector, once a minute at most, with the error's code if there is one
 * @returns a function that sends what remains and ends tracing
 */
export function startTraces(
  { sampler, samplerArg, serviceName, delayMs }: TracesSettings,
  report: (code: string | undefined) => void,
): () => Promise<void> {
  diag.setLogger(reportOf(report), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const service = resourceFromAttributes({ 'service.name': serviceName });
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(detectResources({ detectors: [envDetector] }))
      .merge(service),
    sampler: samplerOf(sampler, samplerArg),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), scheduledDelayMillis: delayMs })],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  traceWith(provider.getTracer('teams-sms-gateway'));
  return async () => {
    traceWith(undefined);
    // A collector that is away, or never answers, must not keep the process from ending.
    await Promise.race([provider.shutdown().catch(() => {}), delay(LAST_MS, undefined, { ref: false })]);
    trace.disable();
    context.disable();
    propagation.disable();
    diag.disable();
  };
}

/** Receives what OpenTelemetry says of its troubles. Of their words, which may quote an address or a header, only a code is passed on. */
function reportOf(report: (code: string | undefined) => void): DiagLogger {
  let saidAt = Number.NEGATIVE_INFINITY;
  const say = (text: string) => {
    if (performance.now() - saidAt < SAY_MS) return;
    saidAt = performance.now();
    const { code, name } = jsonFields(text);
    report(code === undefined && name === undefined ? undefined : String(code ?? name));
  };
  const ignore = () => {};
  return { error: say, warn: say, info: ignore, debug: ignore, verbose: ignore };
}

/** The samplers of OTEL_TRACES_SAMPLER. */
function samplerOf(name: TracesSettings['sampler'], ratio: number): Sampler {
  const roots: Readonly<Record<string, () => Sampler>> = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(ratio),
  };
  const root = (roots[name.replace('parentbased_', '')] as () => Sampler)();
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}
