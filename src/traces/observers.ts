import { SpanKind } from '@opentelemetry/api';
import type { ObserveStatement } from '../database/observed.ts';
import type { ObserveCall } from '../platforms/observed.ts';
import { beginLeaf, fail, headersFrom } from './spans.ts';

/** A statement's first word and the first table that it names: texts have parameters in place of values, but this cannot have any. */
const VERB = /^\s*(?:\/\*.*?\*\/\s*)?([a-z]+)/i;
const TABLE = /\b(?:from|into|update|join)\s+(?:only\s+)?"?(?:public"?\."?)?([a-z_]+)\b/i;
const MAX_LOOKED_AT = 2000;

/** Makes a span of each statement of work that is traced. A statement that several requests share is part of the first one's trace. */
export const traceStatement: ObserveStatement = (_pool, text) => {
  const span = beginLeaf({ name: 'sql', kind: SpanKind.CLIENT, attributes: { 'db.system.name': 'postgresql' } });
  if (!span) return () => {};
  const start = text.slice(0, MAX_LOOKED_AT);
  const summary = [VERB.exec(start)?.[1]?.toUpperCase(), TABLE.exec(start)?.[1]].filter(Boolean).join(' ');
  span.updateName(summary || 'sql');
  span.setAttribute('db.query.summary', summary);
  return (error) => {
    if (error !== undefined) fail(span, String((error as { code?: unknown })?.code ?? 'error'));
    span.end();
  };
};

/** Makes a span of each request to a platform of work that is traced, and continues its trace there. */
export const traceCall: ObserveCall = ({ service, method, host }) => {
  const attributes = { 'http.request.method': method, 'server.address': host, 'peer.service': service };
  const span = beginLeaf({ name: `${method} ${service}`, kind: SpanKind.CLIENT, attributes });
  if (!span) return { ended: () => {} };
  return {
    headers: headersFrom(span),
    ended: (outcome) => {
      if (typeof outcome === 'number') span.setAttribute('http.response.status_code', outcome);
      if (typeof outcome !== 'number' || outcome >= 400) fail(span, String(outcome));
      span.end();
    },
  };
};
