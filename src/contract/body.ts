import { MAX_BODY_BYTES } from '../admission/limits.ts';
import { isObject } from '../server/json.ts';
import type { AnyRequest } from '../server/node-request.ts';
import { readBytes } from '../server/read-body.ts';
import { ContractFailure, invalidParameter, refusal } from './errors.ts';
import type { BodyField } from './operation.ts';

/**
 * Reads a JSON body and takes the documented fields from it. No body at all is a body without fields: what is then missing, the
 * domain names.
 *
 * @throws ContractFailure 413, 415, or 450 for malformed JSON and wrong types
 */
export async function readBody(request: AnyRequest, fields: readonly BodyField[]): Promise<Record<string, unknown>> {
  const bytes = Number(request.headers.get('content-length')) > MAX_BODY_BYTES ? undefined : await readBytes(request, MAX_BODY_BYTES);
  if (!bytes) throw new ContractFailure(refusal(413));
  if (bytes.length === 0) return take({}, fields, '');
  if (!isJson(request.headers)) throw new ContractFailure(refusal(415));
  return take(parseObject(bytes), fields, '');
}

/**
 * Only declared JSON is read. A browser sends text/plain, a form or an undeclared body to another site without asking, and with
 * the user's Basic credentials.
 */
function isJson(headers: Pick<Headers, 'get'>): boolean {
  const [type = '', ...parameters] = (headers.get('content-type') ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity';
  return (
    encoding === 'identity' &&
    /^application\/(json|[\w.!#$&^-]+\+json)$/.test(type) &&
    parameters.every((parameter) => !parameter.startsWith('charset') || /^charset="?utf-?8"?$/.test(parameter))
  );
}

function parseObject(bytes: Buffer): object {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalidParameter('body', 'must be JSON in UTF-8');
  }
  if (!isObject(value)) throw invalidParameter('body', 'must be a JSON object');
  return value;
}

/** The fields' values by their documented names. Unknown fields are ignored, null is absent. */
function take(source: object, fields: readonly BodyField[], prefix: string): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const field of fields) {
    const value = [field.name, ...(field.aliases ?? [])].map((name) => own(source, name)).find((one) => one !== undefined);
    const taken = check(value, field, prefix + field.name);
    if (taken !== undefined) values[field.name] = taken;
  }
  return values;
}

function own(source: object, name: string): unknown {
  return (Object.getOwnPropertyDescriptor(source, name)?.value as unknown) ?? undefined;
}

function check(value: unknown, field: BodyField, path: string): unknown {
  if (field.fields) {
    if (value !== undefined && !isObject(value)) throw invalidParameter(path, 'must be an object');
    return take(value ?? {}, field.fields, `${path}.`);
  }
  if (value === undefined) return field.mandatory ? '' : undefined;
  if (typeof value !== 'string') throw invalidParameter(path, 'must be a string', shown(value, field));
  if (!field.values) return value;
  const found = field.values.find((one) => one.toLowerCase() === value.trim().toLowerCase());
  if (found === undefined) throw invalidParameter(path, field.why ?? `must be one of ${field.values.join(', ')}`, value);
  return found;
}

/** A wrong value as text, unless it is or may hold a secret. */
function shown(value: unknown, field: BodyField): string | undefined {
  return field.secret || typeof value === 'object' ? undefined : String(value);
}
