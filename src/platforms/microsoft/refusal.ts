import { replaceUnstorable } from '../../domain/values/text.ts';
import { redactSecrets } from '../redact-secrets.ts';
import { jsonFields, type PlatformResponse } from '../request.ts';

/** Microsoft's own code and message for a request that it refused. */
export interface MicrosoftRefusal {
  /** e.g. `AADSTS7000215`, `Authorization_RequestDenied`, `ConversationBlockedByUser`; the HTTP status if there is none. */
  readonly code: string;
  readonly message: string;
}

/** Numbers, such as `errorCode: 209`, say less than the status. */
const codeOf = ({ subCode, code, errorCode }: Record<string, unknown>) => text(subCode) ?? text(code) ?? text(errorCode);

const fieldsOf = (value: unknown) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined);

/**
 * Reads a refusal in any of Microsoft's forms: login's (`error`, `error_description`), Graph's and the connector's (`error.code`,
 * `error.message`, and what these wrap as `innerError` or `innerHttpError`), and the connector's older ones (`errorCode` or `message`, which may
 * contain JSON with `subCode` and `details`).
 * @param secrets to redact
 */
export function refusalOf(response: PlatformResponse, secrets: readonly string[]): MicrosoftRefusal {
  const fields = jsonFields(response.text);
  const inner = fieldsOf(fields.error) ?? fields;
  const cause = fieldsOf(fieldsOf(inner.innerHttpError)?.body);
  const words = text(inner.error_description) ?? text(inner.message) ?? text(cause?.message);
  const nested = [text(inner.message), text(cause?.message)]
    .map((each) => jsonFields(each ?? ''))
    .find((each) => each.subCode || each.details);
  const detailed = fieldsOf(inner.innerError) ?? fieldsOf(inner.innererror);
  const code =
    words?.match(/\bAADSTS\d+/)?.[0] ??
    text(nested?.subCode) ??
    codeOf(inner) ??
    text(inner.error) ??
    codeOf(cause ?? {}) ??
    codeOf(detailed ?? {});
  const message = text(nested?.details) ?? words;
  return {
    code: clean(code, secrets) ?? String(response.status),
    message: clean(message, secrets) ?? `${response.host} responded with status ${response.status}.`,
  };
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined);

/** Removes the ids of Microsoft's own log, which login appends, and what cannot be stored: refusals are stored with their messages. */
function clean(words: string | undefined, secrets: readonly string[]): string | undefined {
  const kept = words?.replace(/\s*(Trace ID|Correlation ID|Timestamp):[\s\S]*$/, '');
  return text(replaceUnstorable(redactSecrets(kept ?? '', secrets).slice(0, 500)));
}
