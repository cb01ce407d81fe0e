import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLNamedType,
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
import { type Dice, hostileJson, hostileText } from './hostile.ts';

/** An operation as a client would send it. */
export interface Operation {
  readonly query: string;
  /** Their JSON. */
  readonly variables: string;
  readonly isSubscription: boolean;
  /** The schema coordinates of what it has: fields, arguments, input fields. */
  readonly touched: readonly string[];
}

/** A text that its place may take, by the place's name. */
export type Own = (name: string, dice: Dice) => string;

const ALIASES = ['a', '__proto__', 'constructor', 'toString', 'then', 'hasOwnProperty', 'prototype', 'length', '_'];
const DIRECTIVES = ['@skip(if: false)', '@include(if: true)', '@skip(if: true)', '@include(if: "x")', '@nothing', '@deprecated', '@skip'];
const INTS = ['1', '2', '0', '5', '100', '-1', '1000', '2147483647', '2147483648', '1e3', '0.5'];
const DATES = ['2026-11-24T12:00:00Z', '2020-01-01T00:00:00+14:00', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z'].map(
  (date) => `"${date}"`,
);
/** What stands in a document where a value should: some of it is none. */
const LITERALS = [
  'null',
  '"__proto__"',
  '{ __proto__: { polluted: true } }',
  '{ constructor: 1 }',
  '[]',
  '[[null]]',
  '-0',
  '1e400',
  '9'.repeat(300),
].concat([
  '"""block\\u0000"""',
  '"\\ud800"',
  '"\\u{110000}"',
  'undefined',
  '__proto__',
  '$nobody',
  '"\\u0000"',
  `${'['.repeat(300)}${']'.repeat(300)}`,
]);

/** Every coordinate that a request can have. */
export function coordinatesOf(schema: GraphQLSchema): Set<string> {
  const types = Object.values(schema.getTypeMap()).filter((type) => !type.name.startsWith('__'));
  return new Set(
    types.flatMap((type) => {
      if (isInputObjectType(type)) return Object.keys(type.getFields()).map((name) => `${type.name}.${name}`);
      if (!isObjectType(type)) return [];
      return Object.values(type.getFields()).flatMap((field) => [
        `${type.name}.${field.name}`,
        ...field.args.map(({ name }) => `${type.name}.${field.name}(${name}:)`),
      ]);
    }),
  );
}

/** An operation over the schema with any of its fields. Many are valid and have hostile values; in the wild ones, anything may be wrong. */
export function operationOver(schema: GraphQLSchema, own: Own, dice: Dice): Operation {
  const kind = dice.pick(['query', 'query', 'query', 'mutation', 'subscription'] as const);
  const root = { query: schema.getQueryType(), mutation: schema.getMutationType(), subscription: schema.getSubscriptionType() }[kind];
  const isWild = dice.chance(0.35);
  const wildly = (probability: number) => isWild && dice.chance(probability);
  const touched: string[] = [];
  const declared: string[] = [];
  const given: string[] = [];
  const fragments: string[] = [];
  let aliases = 0;

  function variable(type: GraphQLInputType, json: string): string {
    const name = `v${declared.length}`;
    const right = isNonNullType(type) || wildly(0.3) ? String(type) : `${type}!`;
    const written = wildly(0.2) ? dice.pick(['Int', 'String', '[ID!]!', 'MessageFilter', 'Nothing', `[${right}]`]) : right;
    declared.push(`$${name}: ${written}${wildly(0.1) ? ' = null' : ''}${wildly(0.05) ? ' @skip(if: true)' : ''}`);
    if (!wildly(0.06)) given.push(`${JSON.stringify(name)}:${json}`);
    return `$${name}`;
  }

  function text(name: string): string {
    return dice.chance(0.35) ? dice.draw(hostileText) : own(name, dice);
  }

  function value(type: GraphQLInputType, name: string): string {
    if (wildly(0.12)) return dice.pick(LITERALS);
    if (wildly(0.12)) return variable(type, dice.draw(hostileJson));
    if (isNonNullType(type)) return value(type.ofType, name);
    if (isListType(type)) return `[${Array.from({ length: dice.below(4) }, () => value(type.ofType, name)).join(', ')}]`;
    if (isEnumType(type)) return wildly(0.1) ? 'NOTHING' : (dice.pick(type.getValues())?.name ?? '');
    if (isInputObjectType(type)) return `{ ${inputs(Object.values(type.getFields()), `${type.name}.`, '').join(', ')} }`;
    if (type.name === 'Int') return dice.pick(isWild ? INTS : INTS.slice(0, -3));
    // Who replaces its own token asks nothing more.
    if (type.name === 'Boolean') return dice.pick(name === 'own' ? ['false'] : ['true', 'false']);
    if (type.name === 'DateTime') return wildly(0.5) ? JSON.stringify(dice.draw(hostileText)) : dice.pick(DATES);
    const json = JSON.stringify(text(name));
    // GraphQL's text refuses a lone surrogate; JSON's does not.
    return dice.chance(0.4) || /\\u[dD]/.test(json) ? variable(type, json) : json;
  }

  function inputs(possible: readonly (GraphQLArgument | GraphQLInputField)[], before: string, after: string): string[] {
    const chosen = possible.filter(({ type }) => isNonNullType(type) || dice.chance(possible.length > 4 ? 0.3 : 0.5));
    const written = chosen.map(({ name, type }) => {
      touched.push(`${before}${name}${after}`);
      return `${name}: ${value(type, name)}`;
    });
    if (wildly(0.05)) written.push(dice.pick(['__proto__: { polluted: true }', 'constructor: null', 'nothing: 1', written[0] ?? 'a: 1']));
    return written;
  }

  function selection(type: GraphQLNamedType, depth: number): string {
    if (isLeafType(type)) return '';
    if (isAbstractType(type)) {
      const members = schema.getPossibleTypes(type).filter(() => dice.chance(0.5));
      return `{ __typename ${members.map((member) => `... on ${member.name} ${selection(member, depth)}`).join(' ')} }`;
    }
    const fields = Object.values((type as GraphQLObjectType).getFields());
    const possible = depth > 0 ? fields : fields.filter((field) => isLeafType(getNamedType(field.type)));
    const many = type === schema.getSubscriptionType() && !isWild ? 1 : 1 + dice.below(4);
    const chosen = Array.from({ length: many }, () => possible[dice.below(Math.max(possible.length, 1))]);
    const selected = chosen.map((field) => {
      if (!field) return '__typename';
      if (wildly(0.06)) return dice.pick(['__typename', 'nothing', '__proto__', '__schema { types { name } }', '...Nobody']);
      touched.push(`${type.name}.${field.name}`);
      aliases += 1;
      const alias = wildly(0.3) ? '' : dice.chance(0.05) ? `${dice.pick(ALIASES)}${aliases === 1 ? '' : aliases}: ` : `f${aliases}: `;
      const written = inputs(field.args, `${type.name}.${field.name}(`, ':)');
      const directive = dice.chance(0.06) ? ` ${dice.pick(isWild ? DIRECTIVES : DIRECTIVES.slice(0, 2))}` : '';
      const call = `${alias}${field.name}${written.length > 0 ? `(${written.join(', ')})` : ''}${directive}`;
      return `${call} ${selection(getNamedType(field.type), depth - 1)}`;
    });
    const inside = selected.join(' ');
    if (dice.chance(0.05)) {
      const name = `F${fragments.length}`;
      fragments.push(`fragment ${name} on ${type.name} { ${inside} ${wildly(0.2) ? `...${name}` : ''} }`);
      return `{ ...${name} }`;
    }
    return dice.chance(0.06) ? `{ ... ${dice.chance(0.5) ? `on ${type.name}` : ''} { ${inside} } }` : `{ ${inside} }`;
  }

  const selected = root ? selection(root, 1 + dice.below(5)) : '{ __typename }';
  const variables = wildly(0.06)
    ? dice.draw(hostileJson)
    : `{${[...given, ...(dice.chance(0.03) ? ['"__proto__":{"polluted":true}'] : [])].join(',')}}`;
  const head = declared.length > 0 ? `(${declared.join(', ')})` : '';
  return { query: `${kind} Fuzz${head} ${selected} ${fragments.join(' ')}`, variables, isSubscription: kind === 'subscription', touched };
}
