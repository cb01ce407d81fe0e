import { replaceUnstorable } from '../../domain/values/text.ts';
import { isObject } from '../../json.ts';
import { redactSecrets } from '../redact-secrets.ts';
import { jsonFields, type PlatformResponse } from '../request.ts';

/** Microsoft's own code and message for a request that it refused. */
export interface MicrosoftRefusal {
  /** e.g. `AADSTS7000215`, `Authorization_RequestDenied`, `ConversationBlockedByUser`; the HTTP status if there is none. */
  readonly code: string;
  readonly message: string;
}

type ErrorFields = Readonly<Record<string, unknown>>;

/** Numbers, such as `errorCode: 209`, say less than the status. */
const codeOf = ({ subcode, code, errorcode }: ErrorFields) => text(subcode) ?? text(code) ?? text(errorcode);

/** The connector's code for any error that an inner error explains. */
const GENERAL_CODE = 'ServiceError';

/** Web API and OData write their names with other capitals than the connector. */
const fieldsOf = (value: unknown): ErrorFields | undefined =>
  isObject(value) ? Object.fromEntries(Object.entries(value).map(([name, field]) => [name.toLowerCase(), field])) : undefined;

const parsedFields = (json: string): ErrorFields => fieldsOf(jsonFields(json)) ?? {};

/** The error and those that it wraps, the outermost first. */
function errorsOf(fields: ErrorFields): ErrorFields[] {
  const errors: ErrorFields[] = [];
  let next: ErrorFields | undefined = fieldsOf(fields.error) ?? fieldsOf(fields['odata.error']) ?? fields;
  while (next && errors.length < MAX_DEPTH) {
    errors.push(next);
    const http: ErrorFields | undefined = fieldsOf(fieldsOf(next.innerhttperror)?.body);
    next = (http && (fieldsOf(http.error) ?? http)) ?? fieldsOf(next.innererror);
  }
  return errors;
}

const MAX_DEPTH = 5;

/** An error's message. OData's is an object that also has the language. */
const messageOf = ({ error_description, message, detail }: ErrorFields) =>
  text(error_description) ?? text(message) ?? text(fieldsOf(message)?.value) ?? text(detail);

/**
 * Reads a refusal in any of Microsoft's forms: login's (`error`, `error_description`), Graph's and the connector's (`error.code`,
 * `error.message`, and what these wrap as `innerError` or `innerHttpError`), OData's (`odata.error`), Web API's (`Message`), and the connector's older
 * ones (`errorCode` or `message`, which may contain JSON with `subCode` and `details`).
 * @param secrets to redact
 */
export function refusalOf(response: PlatformResponse, secrets: readonly string[]): MicrosoftRefusal {
  const errors = errorsOf(parsedFields(response.text));
  const messages = errors.flatMap((error) => messageOf(error) ?? []);
  const nested = messages.map(parsedFields).find(({ subcode, details }) => subcode || details);
  const [words] = messages;
  const codes = [...errors.map(codeOf), text(errors[0]?.error)].filter((code) => code !== undefined);
  const code = words?.match(/\bAADSTS\d+/)?.[0] ?? text(nested?.subcode) ?? codes.find((each) => each !== GENERAL_CODE) ?? codes[0];
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
