import { SpanKind } from '@opentelemetry/api';
import type { Gateway } from '../../domain/gateway.ts';
import { traceOf } from '../../domain/messages/message-trace.ts';
import { inKeptSpan, isTracing } from '../../traces/spans.ts';

/** What is done with a message after it was accepted. */
type MessageWork = 'deliver to Teams' | 'deliver to phone' | 'status report' | 'send to webhook endpoint';

/** Runs work in a span of the trace that a message was accepted in. Without tracing, it only runs the work. */
export function inTraceOf<Result>(
  { sql }: Pick<Gateway, 'sql'>,
  messageSid: string,
  name: MessageWork,
  run: () => Promise<Result>,
): Promise<Result> {
  if (!isTracing()) return run();
  return traceOf(sql, messageSid).then((kept) => inKeptSpan({ name, kind: SpanKind.CONSUMER }, kept, run));
}
