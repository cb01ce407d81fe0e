import { MAX_BODY_BYTES } from '../admission/limits.ts';
import { isObject, parseJson } from '../json.ts';
import type { AnyRequest } from '../server/node-request.ts';
import { decodeUtf8, isDeclaredAs, readBytes } from '../server/read-body.ts';
import { ContractFailure, invalidParameter, refusal } from './errors.ts';
import type { BodyField } from './operations/operation.ts';

/** A page of another site can send forms, plain text and undeclared bodies with its user's Basic credentials, but JSON only if CORS allows it. */
const JSON_TYPE = /^application\/(json|[\w.!#$&^-]+\+json)$/;

/**
 * Reads the documented fields of a JSON body. An empty body has no fields; the domain reports which are missing.
 * @returns the values by their names in the graph's input
 * @throws ContractFailure 413, 415, or 450 for malformed JSON and wrong types
 */
export async function readBody(request: AnyRequest, fields: readonly BodyField[]): Promise<Record<string, unknown>> {
  const bytes = Number(request.headers.get('content-length')) > MAX_BODY_BYTES ? undefined : await readBytes(request, MAX_BODY_BYTES);
  if (!bytes) throw new ContractFailure(refusal(413));
  if (bytes.length === 0) return readFields({}, fields, '', '');
  if (!isDeclaredAs(JSON_TYPE, request.headers)) throw new ContractFailure(refusal(415, { accept: 'application/json' }));
  const text = decodeUtf8(bytes) ?? '';
  return readFields(parseObject(text), fields, '', text);
}

function parseObject(text: string): object {
  const value = parseJson(text);
  if (value === undefined) throw invalidParameter('body', 'must be JSON in UTF-8');
  if (!isObject(value)) throw invalidParameter('body', 'must be a JSON object');
  return value;
}

/**
 * @param prefix the path of the object, with its final dot
 * @param text the body's JSON
 */
function readFields(source: object, fields: readonly BodyField[], prefix: string, text: string): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const field of fields) {
    const value = [field.name, ...(field.aliases ?? [])].map((name) => ownValue(source, name)).find((one) => one !== undefined);
    const checked = readField(value, field, prefix + field.name, text);
    if (checked !== undefined) values[field.graphName ?? field.name] = checked;
  }
  return values;
}

/** Returns `undefined` for null, too, which counts as absent. */
function ownValue(source: object, name: string): unknown {
  return (Object.getOwnPropertyDescriptor(source, name)?.value as unknown) ?? undefined;
}

/** @returns `undefined` for an optional field that is absent or blank */
function readField(given: unknown, field: BodyField, path: string, json: string): unknown {
  const value = isBlank(given) ? undefined : given;
  if (value === undefined && !field.mandatory) return undefined;
  if (field.fields) {
    if (value !== undefined && !isObject(value)) throw invalidParameter(path, 'must be an object');
    return readFields(value ?? {}, field.fields, `${path}.`, json);
  }
  if (value === undefined) return '';
  const text = field.values ? value : wholeNumberAsText(value);
  if (typeof text !== 'string') throw invalidParameter(path, 'must be a string', quotable(value, field, json));
  if (!field.values) return text;
  const found = field.values.find((one) => one.toLowerCase() === text.trim().toLowerCase());
  if (found === undefined) throw invalidParameter(path, field.rule ?? `must be one of ${field.values.join(', ')}`, text);
  return found;
}

const isBlank = (value: unknown) => typeof value === 'string' && value.trim() === '';

/** Clients send `"externalAddress": 15551234567`. A number that JSON.parse may have rounded stays one, and is refused. */
const wholeNumberAsText = (value: unknown) => (Number.isSafeInteger(value) ? String(value) : value);

/** Returns a wrong value as text for the response's `data`, unless it is a secret or may contain one. */
function quotable(value: unknown, field: BodyField, json: string): string | undefined {
  if (field.secret) return undefined;
  if (typeof value === 'number') return asSent(value, field, json);
  if (typeof value !== 'object') return String(value);
  // The fields of an object may be secrets, wherever it stands.
  return Array.isArray(value) && !value.some(isContainer) ? JSON.stringify(value) : undefined;
}

/** JSON.parse rounds numbers. Returns one as it was sent, if it can be found by the field's name; no other field's number is like it. */
function asSent(value: number, { name, aliases = [] }: BodyField, json: string): string {
  const sent = [name, ...aliases].flatMap((key) => [...json.matchAll(new RegExp(`"${key}"\\s*:\\s*(-?\\d[\\d.eE+-]*)`, 'g'))]);
  return sent.map(([, number = '']) => number).find((number) => Number(number) === value) ?? String(value);
}

const isContainer = (value: unknown) => typeof value === 'object' && value !== null;
