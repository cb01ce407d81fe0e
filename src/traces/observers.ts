import { SpanKind } from '@opentelemetry/api';
import type { ObserveStatement } from '../database/observed.ts';
import type { ObserveCall } from '../platforms/observed.ts';
import { beginLeaf, fail, headersFrom } from './spans.ts';

const VERB = /^\s*(?:\/\*.*?\*\/\s*)?([a-z]+)/i;
/** The first table that a statement writes. Not FOR UPDATE, FOR NO KEY UPDATE or DO UPDATE. */
const WRITTEN = /(?<!\b(?:for|key|do)\s+)\b(insert|update|delete)\s+(?:into\s+|from\s+)?(?:only\s+)?"?(?:public"?\."?)?([a-z_]+)\b/i;
/** What a statement reads: tables, and names of its own. Not functions. */
const READ = /\b(?:from|join)\s+(?:only\s+)?"?(?:public"?\."?)?([a-z_]+)"?(?!\s*\(|[a-z_.])/gi;
const OWN_NAME = /(?:\bwith\s+(?:recursive\s+)?|,\s*)"?([a-z_]+)"?\s*(?:\([^()]*\)\s*)?as\s+(?:not\s+)?(?:materialized\s*)?\(/gi;
const MAX_LOOKED_AT = 10_000;
/** Statements of a connection, which are no part of what it is used for. */
const OF_CONNECTION = /^\s*discard\b/i;
/** How many texts' summaries are kept. */
const MAX_KEPT = 1000;
const kept = new Map<string, string>();

/** A statement's verb and table, of what it writes if it writes: texts have parameters in place of values, but this cannot have any. */
function summaryOf(text: string): string {
  const known = kept.get(text);
  if (known !== undefined) return known;
  const start = text.slice(0, MAX_LOOKED_AT);
  const [, first = ''] = VERB.exec(start) ?? [];
  const summary = (/^(with|insert|update|delete)$/i.test(first) ? writtenIn(start) : undefined) ?? readIn(start, first);
  if (kept.size >= MAX_KEPT) kept.clear();
  kept.set(text, summary);
  return summary;
}

function writtenIn(text: string): string | undefined {
  const [, verb, table] = WRITTEN.exec(text) ?? [];
  return verb && `${verb.toUpperCase()} ${table}`;
}

function readIn(text: string, first: string): string {
  const own = new Set([...text.matchAll(OWN_NAME)].map(([, name]) => name));
  const table = [...text.matchAll(READ)].map(([, name]) => name).find((name) => !own.has(name) && !/^(lateral|select)$/i.test(name ?? ''));
  return [first.toUpperCase().replace('WITH', 'SELECT'), table].filter(Boolean).join(' ');
}

/** Makes a span of each statement of work that is traced. A statement that several requests share is part of the first one's trace. */
export const traceStatement: ObserveStatement = (_pool, text) => {
  if (OF_CONNECTION.test(text)) return () => {};
  const span = beginLeaf({ name: 'sql', kind: SpanKind.CLIENT, attributes: { 'db.system.name': 'postgresql' } });
  if (!span) return () => {};
  const summary = summaryOf(text);
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
