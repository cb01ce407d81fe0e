import { type Answer, jsonFields } from '../request.ts';
import { withoutSecrets } from '../without-secrets.ts';

/** Microsoft's own code and words for what it did not do. */
export interface Refusal {
  /** e.g. `AADSTS7000215`, `Authorization_RequestDenied`, `ConversationBlockedByUser`; the status where none is given. */
  readonly code: string;
  readonly message: string;
}

/**
 * Reads the forms that refusals come in: login's (`error`, `error_description`), the one of Graph and the connector (`error.code`,
 * `error.message`), and the connector's older ones (`message`, which may hold JSON with `subCode` and `details`).
 *
 * @param secrets are taken out of the words, should they repeat them
 */
export function refusalOf(answer: Answer, secrets: readonly string[]): Refusal {
  const fields = jsonFields(answer.text);
  const inner = typeof fields.error === 'object' && fields.error !== null ? (fields.error as Record<string, unknown>) : fields;
  const words = text(inner.error_description) ?? text(inner.message);
  const nested = jsonFields(words ?? '');
  const code = words?.match(/^AADSTS\d+/)?.[0] ?? text(nested.subCode) ?? text(inner.code) ?? text(inner.error);
  const message = text(nested.details) ?? words;
  return {
    code: clean(code, secrets) ?? String(answer.status),
    message: clean(message, secrets) ?? `${answer.host} answered ${answer.status}.`,
  };
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined);

/** Login appends ids of its own log to what it says, which nobody else can use. */
function clean(words: string | undefined, secrets: readonly string[]): string | undefined {
  const kept = words?.replace(/\s*(Trace ID|Correlation ID|Timestamp):[\s\S]*$/, '');
  return text(withoutSecrets(kept ?? '', secrets).slice(0, 500));
}
