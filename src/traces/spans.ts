import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';

// Spans of requests, deliveries and status reports. Names and attributes are the gateway's own words: never a text, a number, a URL's query or a secret,
// and of errors only their kind. While nothing is traced, every function here only calls what it is given.

/** Absent: nothing is traced. */
let tracer: Tracer | undefined;

/** Traces by a tracer from now on; by none if it is absent. */
export function traceWith(given: Tracer | undefined): void {
  tracer = given;
}

export const isTracing = (): boolean => tracer !== undefined;

interface SpanOptions {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes?: Attributes;
}

/** W3C headers, or what has been kept of them. */
interface TraceHeaders {
  get(name: string): string | null;
}

/** Runs work in a span that continues a trace from outside, if the headers name one (W3C Trace Context). */
export async function inRemoteSpan<Result>(options: SpanOptions, headers: TraceHeaders, run: () => Promise<Result>): Promise<Result> {
  return tracer ? inSpanOf(tracer, contextOf(headers), options, run) : run();
}

/**
 * Runs work in a span of the trace that was kept with a message.
 * @param kept by `currentTrace`; absent: the message is not traced, and neither is the work
 */
export async function inKeptSpan<Result>(options: SpanOptions, kept: string | undefined, run: () => Promise<Result>): Promise<Result> {
  if (!tracer) return run();
  if (kept === undefined) return context.with(ROOT_CONTEXT, run);
  // The values of a tracestate may contain spaces.
  const [, traceparent = '', tracestate = null] = /^(\S*)(?: (.*))?$/.exec(kept) ?? [];
  const parent = contextOf({ get: (name) => (name === 'traceparent' ? traceparent : tracestate) });
  return inSpanOf(tracer, parent, options, run);
}

async function inSpanOf<Result>(
  by: Tracer,
  parent: Context,
  { name, ...options }: SpanOptions,
  run: () => Promise<Result>,
): Promise<Result> {
  const span = by.startSpan(name, options, parent);
  try {
    return await context.with(trace.setSpan(parent, span), run);
  } catch (error) {
    fail(span, error instanceof Error ? error.name : 'error');
    throw error;
  } finally {
    span.end();
  }
}

/**
 * Begins a span without work of its own below it, if the current work is in a span that is recorded.
 * @returns `undefined` if it is not
 */
export function beginLeaf({ name, ...options }: SpanOptions): Span | undefined {
  if (!tracer || !trace.getActiveSpan()?.isRecording()) return undefined;
  return tracer.startSpan(name, options);
}

/** Marks a span as failed. @param kind the error's name or code, never its message */
export function fail(span: Span, kind: string): void {
  span.setAttribute('error.type', kind);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** Sets attributes of the current span. */
export function describeSpan(attributes: Attributes): void {
  if (tracer) trace.getActiveSpan()?.setAttributes(attributes);
}

/** The current trace as text to keep, `traceparent` and `tracestate`. @returns `undefined` if it is not recorded */
export function currentTrace(): string | undefined {
  if (!tracer || !trace.getActiveSpan()?.isRecording()) return undefined;
  const { traceparent, tracestate } = headersOf(context.active());
  return traceparent && [traceparent, tracestate].filter(Boolean).join(' ');
}

/** The W3C headers that continue a span's trace elsewhere. */
export const headersFrom = (span: Span): Record<string, string> => headersOf(trace.setSpan(context.active(), span));

function headersOf(from: Context): Record<string, string> {
  const headers: Record<string, string> = {};
  propagation.inject(from, headers);
  return headers;
}

/** The ids of the current span, for a line of the log. */
export function traceFields(): object {
  const current = trace.getActiveSpan()?.spanContext();
  return current && isSpanContextValid(current) ? { trace_id: current.traceId, span_id: current.spanId } : {};
}

const contextOf = (headers: TraceHeaders): Context =>
  propagation.extract(ROOT_CONTEXT, headers, {
    get: (from, name) => from.get(name) ?? undefined,
    keys: () => ['traceparent', 'tracestate'],
  });
