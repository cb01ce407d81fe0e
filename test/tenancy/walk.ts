import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNamedOutputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { colorIcon, outlineIcon } from '../../src/domain/teams-app/icons.ts';
import { makeCertificate } from '../support/certificates.ts';
import { prefixes } from './world.ts';

/** How many levels of fields an open query selects: at the sixth are the entities in the lists of a list's entities. */
const DEEP = 6;
/** How many, where a sid is looked for and mostly nothing is found. */
const SHALLOW = 4;
/** Of more members than this, as those of Node, one level less is selected. */
const MANY = 5;

/** A place where an operation takes text from outside, and the operation, in which `$target` stands there. */
export interface Position {
  /** By schema coordinates: `Query.enterprise.messages(filter.mappingSid:)`. */
  readonly name: string;
  /** What stands there: the type whose sid it is, a global id, a cursor, or any text. */
  readonly holds: { readonly sidOf: string } | 'global id' | 'cursor' | 'text';
  readonly operation: 'query' | 'mutation' | 'subscription';
  readonly document: string;
}

export interface Walk {
  /** Every place in the schema that takes text. */
  readonly positions: readonly Position[];
  /** For each root field that needs no argument: an operation that selects all that it reaches. */
  readonly openQueries: readonly { readonly name: string; readonly document: string }[];
}

type Field = GraphQLField<unknown, unknown>;
type Input = GraphQLArgument | GraphQLInputField;

/** A text inside an argument, by the names that lead there. */
interface Target {
  readonly path: readonly string[];
  readonly scalar: string;
  /** The variable's type. */
  readonly variable: string;
}

/**
 * Walks a schema that was found by introspection.
 * @param own a sid of the caller's own of this type: what stands in the places that are not the target
 * @throws for what it does not understand, so that nothing new escapes it
 */
export function walk(schema: GraphQLSchema, own: (type: string) => string): Walk {
  const [query, mutation, subscription] = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const fieldsOf = (type: GraphQLObjectType | null | undefined): Field[] => Object.values(type?.getFields() ?? {});
  const mutations = new Set(fieldsOf(mutation));

  function at(operation: Position['operation'], path: readonly Field[], field: Field): Position[] {
    return field.args
      .flatMap((argument) => targetsIn(argument, [argument.name]))
      .map((target) => {
        const way = [capitalized(operation), ...[...path, field].map((step) => step.name)].join('.');
        const name = `${way}(${target.path.join('.')}:)`;
        const opening = path.map((step) => `${call(step)} {`).join(' ');
        const called = `${opening} ${call(field, target)}`;
        const document = fitting(SHALLOW, (depth) => {
          const fields = `${called} ${select(getNamedType(field.type), depth)} ${'}'.repeat(path.length)}`;
          return `${operation} ($target: ${target.variable}) { ${fields} }`;
        });
        return { name, holds: heldAt(field, target, name), operation, document };
      });
  }

  /** What a text means, by its name. */
  function heldAt(field: Field, { path, scalar }: Pick<Target, 'path' | 'scalar'>, position: string): Position['holds'] {
    const name = path.at(-1) ?? '';
    if (name === 'after' || name === 'before') return 'cursor';
    // The platform's sids are text.
    if (scalar === 'String' && (name === 'restcommMessageSid' || !/sids?$/i.test(name))) return 'text';
    if (/^ids?$/.test(name)) return 'global id';
    // What was acted on may be anything; a mapping stands for all.
    if (name === 'targetSid') return { sidOf: 'Mapping' };
    const [, prefix] = /^(\w+)Sids?$/.exec(name) ?? [];
    const sidOf = prefix ? capitalized(prefix) : /^sids?$/.test(name) ? subjectOf(field) : '';
    if (!prefixes[sidOf]) throw new Error(`The tenancy walk does not know whose sid stands at ${position}`);
    return { sidOf };
  }

  /** Whose `sid` a field takes: the entity's that it answers, or that its name names (`verifyBot`). */
  function subjectOf(field: Field): string {
    const type = getNamedType(field.type);
    const members = isAbstractType(type) ? schema.getPossibleTypes(type) : [type];
    const named = Object.keys(prefixes).filter((known) => capitalized(field.name).includes(known));
    return members.find(({ name }) => prefixes[name])?.name ?? named.sort((one, other) => other.length - one.length)[0] ?? '';
  }

  /** A field with its arguments: of a mutation the whole input, else what must be and what the target stands in. */
  function call(field: Field, target?: Target): string {
    const goal = target?.path.join('.');
    const wanted = ({ name, type }: Input, path: string) =>
      isNonNullType(type) ||
      path === 'first' ||
      goal === path ||
      goal?.startsWith(`${path}.`) ||
      (mutations.has(field) &&
        name !== 'idempotencyKey' &&
        name !== 'after' &&
        !(field.name.endsWith('Person') && name.startsWith('microsoft')));
    const given = (inputs: readonly Input[], path: readonly string[]): string =>
      inputs
        .filter((input) => wanted(input, [...path, input.name].join('.')))
        .map(({ name, type }) => `${name}: ${literal(type, [...path, name])}`)
        .join(', ');
    function literal(type: GraphQLInputType, path: readonly string[]): string {
      if (isNonNullType(type)) return literal(type.ofType, path);
      if (isListType(type)) return `[${literal(type.ofType, path)}]`;
      if (path.join('.') === goal) return '$target';
      // More than a world has of anything, and few enough for lists in lists.
      if (path.join('.') === 'first') return '5';
      if (isInputObjectType(type)) return `{ ${given(Object.values(type.getFields()), path)} }`;
      // Of permissions, the one that everybody has.
      if (isEnumType(type)) return (type.getValue('READ') ?? type.getValues()[0])?.name ?? '';
      // After the other end.
      if (type.name === 'DateTime' && path.at(-1) === 'to') return '"2026-12-24T12:00:00Z"';
      // It has a new secret, too.
      if (path.at(-1) === 'removeClientSecret') return 'false';
      if (type.name !== 'ID' && type.name !== 'String') return plain[type.name] ?? '';
      const held = heldAt(field, { path, scalar: type.name }, `${field.name}(${path.join('.')}:)`);
      if (typeof held === 'object') return JSON.stringify(own(held.sidOf));
      if (held === 'text') return JSON.stringify(textFor(path.at(-1) ?? ''));
      throw new Error(`The tenancy walk has no ${held} of its own for ${field.name}(${path.join('.')}:)`);
    }
    const inputs = given(field.args, []);
    return inputs ? `${field.name}(${inputs})` : field.name;
  }

  /**
   * Every field, and every field's fields, down to this depth. Fields in which an abstract type's members differ get names of their own.
   * @param within the types around it: what would be in itself is left out, or operations would be longer than they may be
   */
  function select(
    type: GraphQLNamedOutputType,
    depth: number,
    renamed: ReadonlyMap<string, string> = new Map(),
    within: readonly GraphQLNamedOutputType[] = [],
  ): string {
    if (isLeafType(type)) return '';
    if (isAbstractType(type)) {
      const all = schema.getPossibleTypes(type);
      const members = all.map(
        (member) => `... on ${member.name} ${select(member, all.length > MANY ? depth - 1 : depth, differing(all), within)}`,
      );
      return `{ __typename ${members.join(' ')} }`;
    }
    const around = [...within, type];
    const isOpened = (inner: GraphQLNamedOutputType) => depth > 1 && !around.includes(inner);
    const fields = Object.values(type.getFields()).filter(
      ({ type: inner }) => isLeafType(getNamedType(inner)) || isOpened(getNamedType(inner)),
    );
    const selected = fields.map(
      (field) =>
        `${(renamed.get(field.name) ?? String(field.type)) !== String(field.type) ? `${type.name}_${field.name}: ` : ''}${call(field)} ${select(getNamedType(field.type), depth - 1, new Map(), around)}`,
    );
    return `{ __typename ${selected.join(' ')} }`;
  }

  /** An operation may have 2000 tokens: one that would be longer selects one level less. */
  function fitting(depth: number, write: (depth: number) => string): string {
    const document = write(depth);
    return (document.match(/\w+|[^\s\w]/g)?.length ?? 0) > 1900 ? fitting(depth - 1, write) : document;
  }

  return {
    positions: [
      ...[...pathsFrom(query)].flatMap(([type, path]) => fieldsOf(type).flatMap((field) => at('query', path, field))),
      ...fieldsOf(mutation).flatMap((field) => at('mutation', [], field)),
      ...fieldsOf(subscription).flatMap((field) => at('subscription', [], field)),
    ],
    openQueries: fieldsOf(query)
      .filter((field) => !field.args.some(({ type }) => isNonNullType(type)))
      .map((field) => ({
        name: field.name,
        document: fitting(DEEP, (depth) => `query { ${call(field)} ${select(getNamedType(field.type), depth)} }`),
      })),
  };
}

/** The fields that types have in common and that are not the same in each: the type that most of them give it. */
function differing(types: readonly GraphQLObjectType[]): ReadonlyMap<string, string> {
  const kinds = new Map<string, string[]>();
  for (const { name, type } of types.flatMap((one) => Object.values(one.getFields())))
    kinds.set(name, [...(kinds.get(name) ?? []), String(type)]);
  const number = (all: readonly string[], kind: string) => all.filter((one) => one === kind).length;
  return new Map([...kinds].map(([name, all]) => [name, [...all].sort((a, b) => number(all, b) - number(all, a))[0] as string]));
}

/** Scalars that carry no text, with values that everything takes. */
const plain: Readonly<Record<string, string>> = { Int: '100', Float: '1.5', Boolean: 'true', DateTime: '"2026-11-24T12:00:00Z"' };

function targetsIn({ name, type }: Input, path: readonly string[]): Target[] {
  const named = getNamedType(type);
  if (isInputObjectType(named)) return Object.values(named.getFields()).flatMap((field) => targetsIn(field, [...path, field.name]));
  if (isEnumType(named) || plain[named.name]) return [];
  if (named.name !== 'ID' && named.name !== 'String') {
    throw new Error(`The tenancy walk does not know the scalar ${named.name} of ${path.join('.')}: can ${name} name somebody's data?`);
  }
  const isList = isListType(isNonNullType(type) ? type.ofType : type);
  return [{ path, scalar: named.name, variable: isList || isNonNullType(type) ? `${named.name}!` : named.name }];
}

/** The shortest chain of fields from the root to every object type that needs no interface or union on the way. */
function pathsFrom(root: GraphQLObjectType | null | undefined): Map<GraphQLObjectType, readonly Field[]> {
  const paths = new Map<GraphQLObjectType, readonly Field[]>(root ? [[root, []]] : []);
  for (const [type, path] of paths) {
    for (const field of Object.values(type.getFields())) {
      const next = getNamedType(field.type);
      if (isObjectType(next) && !paths.has(next)) paths.set(next, [...path, field]);
    }
  }
  return paths;
}

const capitalized = (name: string) => name.replace(/^./, (letter) => letter.toUpperCase());

let texts = 0;

/** Text that its field takes, another each time. */
const CERTIFICATE = makeCertificate();

function textFor(name: string): string {
  texts += 1;
  if (/^externalAddress$|^phoneNumber$|^to$|^from$/.test(name))
    return `+49${String(Date.now()).slice(-9)}${String(texts).padStart(4, '0').slice(-4)}`;
  if (name === 'url') return `https://walk.example/${texts}`;
  if (name === 'certificate' || name === 'privateKey') return CERTIFICATE[name];
  if (/email|address/i.test(name)) return `walk${texts}@walk.example`;
  if (name === 'accentColor') return '#123456';
  if (name === 'groupId') return '02bd9fd6-8f93-4758-87c3-1fb73740a315';
  if (/Url$/.test(name)) return 'https://walk.example/';
  if (/Icon$/.test(name)) {
    const icon = name === 'colorIcon' ? colorIcon('#123456') : outlineIcon();
    return `data:image/png;base64,${icon.toString('base64')}`;
  }
  return `walk ${texts}`;
}
