import { readFileSync } from 'node:fs';
import {
  type GraphQLNamedType,
  type GraphQLObjectType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isSpecifiedScalarType,
  isUnionType,
  parse,
  validate,
} from 'graphql';
import { describe, expect, test } from 'vitest';
// @ts-expect-error: plain JavaScript
import { parts } from '../../examples/apollo/parts.mjs';
// @ts-expect-error: plain JavaScript
import { keys } from '../../examples/graphcache/keys.mjs';
import { printPossibleTypes } from '../../schema/files.ts';
import { schema } from '../../schema/index.ts';
import { printed } from '../../schema/print.ts';
import { examples } from '../../src/graph/graphiql-examples.ts';

const ours = Object.values(schema.getTypeMap()).filter((type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type));

interface Element {
  readonly coordinate: string;
  readonly description?: string | null;
  readonly deprecationReason?: string | null;
}

/** A type and everything inside it, by schema coordinates (`Query.bots(first:)`). */
function elements(type: GraphQLNamedType): Element[] {
  const whole = { coordinate: type.name, description: type.description };
  const inside = (name: string, element: Omit<Element, 'coordinate'>): Element => ({ ...element, coordinate: `${type.name}.${name}` });
  if (isEnumType(type)) return [whole, ...type.getValues().map((value) => inside(value.name, value))];
  if (isInputObjectType(type)) return [whole, ...Object.values(type.getFields()).map((field) => inside(field.name, field))];
  if (!isObjectType(type) && !isInterfaceType(type)) return [whole];
  const fields = Object.values(type.getFields()).flatMap((field) => [
    inside(field.name, field),
    ...field.args.map((argument) => inside(`${field.name}(${argument.name}:)`, argument)),
  ]);
  return [whole, ...fields];
}

const all = ours.flatMap(elements);

describe('the schema', () => {
  test('is printed, sorted, in schema/schema.graphql (npm run schema:update renews it)', () => {
    expect(readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8')).toBe(printed());
  });

  test('has the types of its interfaces and unions in schema/possibleTypes.json', () => {
    expect(readFileSync(new URL('../../schema/possibleTypes.json', import.meta.url), 'utf8')).toBe(printPossibleTypes());
  });

  test('describes every type, field, argument, input field and enum value', () => {
    expect(all.length).toBeGreaterThan(200);
    expect(all.filter(({ description }) => !description?.trim()).map(({ coordinate }) => coordinate)).toEqual([]);
  });

  /** The objects that are neither a list's nor a mutation's, by whose `id` caches would know them. */
  const kept = ours.filter(
    (type): type is GraphQLObjectType =>
      isObjectType(type) && !/^(Query|Mutation|Subscription|PageInfo)$|(Connection|Edge|Success|Error)$/.test(type.name),
  );
  const without = (field: string) => kept.filter((type) => !(field in type.getFields())).map(({ name }) => name);
  /** What belongs to one object and has its id, which queries leave out as they have no sid, either. */
  const ofOwner = kept.flatMap((type) =>
    'sid' in type.getFields() || !('id' in type.getFields()) || 'cursor' in type.getFields() ? [] : type.name,
  );

  test('has an id for each object that is not a value, and examples/graphcache/keys.mjs the rest and those whose id queries leave out', () => {
    expect(ofOwner).toEqual(['AppPackage', 'BotHealth', 'MappingInTeams', 'TeamsApp', 'Viewer']);
    expect(Object.keys(keys)).toEqual([...without('id'), ...ofOwner].sort());
  });

  test('has parts of other objects that Apollo’s cache must merge in examples/apollo/parts.mjs', () => {
    const single = kept.flatMap((type) =>
      Object.values(type.getFields()).flatMap(({ type: of }) => (isListType(getNullableType(of)) ? [] : getNamedType(of).name)),
    );
    const alone = without('id').filter((name) => single.includes(name));
    expect(Object.keys(parts)).toEqual([...alone, ...ofOwner].sort());
  });

  test('has the account next to each accountSid, and is Provisioned where it has when that was, too', () => {
    const owned = kept.filter((type) => 'accountSid' in type.getFields());
    expect(owned.filter((type) => !('account' in type.getFields()))).toEqual([]);
    const dated = owned.filter((type) => 'dateCreated' in type.getFields() && 'dateUpdated' in type.getFields());
    expect(dated.length).toBeGreaterThan(5);
    expect(dated.filter((type) => !type.getInterfaces().some(({ name }) => name === 'Provisioned')).map(({ name }) => name)).toEqual([]);
  });

  test('calls the end of something dateExpires, or the like, everywhere', () => {
    const ends = all.map(({ coordinate }) => coordinate.split('.')[1] ?? '').filter((name) => /expire/i.test(name) && !/^[A-Z]/.test(name));
    expect([...new Set(ends)].filter((name) => !/^date(\w+)?Expires$/.test(name))).toEqual(['expiresIn']);
  });

  test('has, where something is deleted or removed, its id for caches and what it was', () => {
    const deleted = ours.filter((type): type is GraphQLObjectType => isObjectType(type) && /^(Delete|Remove)\w*Success$/.test(type.name));
    expect(deleted.length).toBeGreaterThan(3);
    expect(deleted.filter((type) => !('deletedId' in type.getFields() && Object.keys(type.getFields()).length > 1))).toEqual([]);
  });

  test('deprecates nothing', () => {
    expect(all.filter(({ deprecationReason }) => deprecationReason != null).map(({ coordinate }) => coordinate)).toEqual([]);
  });
});

describe('every mutation', () => {
  const mutations = Object.values(schema.getMutationType()?.getFields() ?? {});

  test.each(mutations)('$name has one input, which may contain an idempotencyKey', ({ args }) => {
    expect(args.map(({ name }) => name)).toEqual(['input']);
    const type = args[0]?.type;
    const input = isNonNullType(type) ? type.ofType : undefined;
    expect(isInputObjectType(input) && String(input.getFields().idempotencyKey?.type)).toBe('String');
  });

  test.each(mutations)('$name returns a union of its success and members that implement Error', ({ name: mutation, type }) => {
    const members = isUnionType(type) ? type.getTypes() : [];
    const error = schema.getType('Error');
    const [errors, results] = [true, false].map((is) =>
      members.filter((member) => member.getInterfaces().some((one) => one === error) === is),
    );
    expect(errors).not.toEqual([]);
    expect(results?.map(({ name }) => name)).toEqual([`${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Success`]);
    // One name for values of two shapes cannot be selected in one document.
    const ofErrors = new Set(errors?.flatMap((member) => Object.keys(member.getFields())));
    expect(results?.flatMap((member) => Object.keys(member.getFields())).filter((name) => ofErrors.has(name))).toEqual([]);
    expect(members.filter(({ name }) => name.endsWith('Error'))).toEqual(errors);
  });
});

describe("GraphiQL's example operations", () => {
  test.each(examples.map(({ query }) => ({ name: /(?:query|mutation) (\w+)/.exec(query)?.[1], query })))('$name is valid', ({ query }) => {
    expect(validate(schema, parse(query))).toEqual([]);
  });
});
