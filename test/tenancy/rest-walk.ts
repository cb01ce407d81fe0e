import type { BodyField, Method, Operation } from '../../src/contract/operations/operation.ts';
import { table } from '../../src/contract/operations/table.ts';
import { prefixes, type World } from './world.ts';

export interface Call {
  readonly method: Method;
  readonly path: string;
  readonly body?: Record<string, unknown>;
}

/** A place of an operation that takes text. */
export interface Place {
  readonly name: string;
  readonly operation: string;
  /** Reached by the operation's first path, not by an alias. */
  readonly isCanonical: boolean;
  /** The type whose sid it is; any text where undefined. */
  readonly sidOf?: string;
  /** The whole call with this text there; what else it takes is the caller's own. */
  call(own: World, text: string): Call;
}

/** Every place of every operation, found in the table alone. Throws for what it does not understand, so that nothing new escapes it. */
export const places: readonly Place[] = table.flatMap((operation) =>
  [operation.path, ...operation.aliases].flatMap((path) => operation.methods.flatMap((method) => placesOf(operation, method, path))),
);

function placesOf(operation: Operation, method: Method, path: string): Place[] {
  const shared = { operation: operation.operation, isCanonical: path === operation.path };
  const about = path.includes('{sid}') ? entityOf(operation) : undefined;
  const name = `${operation.operation} ${method} ${path}`;
  const call = (own: World, sid = about && ownSid(own, about)): Call => ({
    method,
    path: path.replace('{sid}', encodeURIComponent(sid ?? '')),
    body: operation.body && bodyOf(operation.body, own),
  });
  const spellings = (one: { name: string; aliases?: readonly string[] }) => [one.name, ...(one.aliases ?? [])];
  const inPath: Place[] = about ? [{ ...shared, name, sidOf: about, call }] : [];
  const inQuery = (operation.query ?? [])
    .filter(({ schema }) => schema.type === 'string' && !schema.pattern)
    .flatMap((parameter) =>
      spellings(parameter).map((spelling): Place => {
        const withText = (own: World, text: string) => ({ ...call(own), path: `${path}?${spelling}=${encodeURIComponent(text)}` });
        return { ...shared, name: `${name}?${spelling}`, sidOf: namedBy(parameter.name), call: withText };
      }),
    );
  const inBody = (operation.body ?? [])
    .filter((field) => namedBy(field.name))
    .flatMap((field) =>
      spellings(field).map((spelling): Place => {
        const withText = (own: World, text: string) => {
          const { body, ...rest } = call(own);
          return { ...rest, body: { ...body, [field.name]: undefined, [spelling]: text } };
        };
        return { ...shared, name: `${name} ${spelling}`, sidOf: namedBy(field.name), call: withText };
      }),
    );
  return [...inPath, ...inQuery, ...inBody];
}

/** The entity that an operation is about: its data's. */
function entityOf({ operation, dataSchema }: Operation): string {
  const entity = dataSchema.replace(/^Created|Page$/g, '');
  if (!prefixes[entity]) throw new Error(`The tenancy walk does not know whose sid ${operation} takes`);
  return entity;
}

/** The entity whose sid a parameter or field takes, by its name. */
function namedBy(name: string): string | undefined {
  const entity = /^(\w+)Sid$/.exec(name)?.[1]?.replace(/^./, (letter) => letter.toUpperCase());
  if (entity && !prefixes[entity]) throw new Error(`The tenancy walk does not know whose sid ${name} is`);
  return entity;
}

export const ownSid = (own: World, type: string): string => own.sids[type]?.[0] ?? '';

let texts = 0;

/** A whole body that is the caller's own affair. */
function bodyOf(fields: readonly BodyField[], own: World): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [field.name, textOrSid(field, own)]));
}

function textOrSid(field: BodyField, own: World): unknown {
  const sidOf = namedBy(field.name);
  if (sidOf) return ownSid(own, sidOf);
  if (field.fields) return bodyOf(field.fields, own);
  if (field.values) return field.values[0];
  texts += 1;
  if (field.name === 'externalAddress') return `+4930${String(Date.now()).slice(-8)}${String(texts).padStart(4, '0')}`;
  return /email|address/i.test(field.name) ? `rest${texts}@walk.example` : `rest ${texts}`;
}

/** The same call with another text in its place, so that the two differ in nothing else. */
export function twin(call: Call, text: string, other: string): Call {
  const changed = JSON.stringify(call).replaceAll(text, other).replaceAll(encodeURIComponent(text), encodeURIComponent(other));
  return JSON.parse(changed) as Call;
}
