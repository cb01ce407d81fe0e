import {
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
} from 'graphql';

// The assumptions of planned pages about Pothos: they call a list's own resolver without the wrappers of plugins, read the columns of fields that have no
// resolver, and write connections, edges and page info without their resolvers. A plugin or a permission added later would silently be bypassed, so the
// schema is checked when it is built.

/** The plugins whose wrappers are understood: scope-auth's checks are made for the whole document; the others wrap neither lists nor columns. */
const UNDERSTOOD_PLUGINS: readonly string[] = ['errors', 'notedErrors', 'scopeAuth', 'relay', 'prisma'];

/** The data of Pothos 4 in the extensions of a field or a type. */
interface PothosExtensions {
  readonly pothosOriginalResolve?: GraphQLFieldResolver<unknown, unknown>;
  /** Whether a plugin wraps the field's resolver. */
  readonly pothosResolveWrapped?: boolean;
  readonly pothosOptions?: { readonly authScopes?: object };
  readonly pothosArgMappers?: readonly unknown[];
  readonly pothosExposedField?: string;
  /** Ours: schema/columns.ts. */
  readonly packable?: boolean;
}

type Field = GraphQLField<unknown, unknown>;

const extensionsOf = ({ extensions }: Pick<Field, 'extensions'>) => extensions as PothosExtensions;

/** Whether the field is a list whose pages may be packed. */
export const isPackable = (field: Field): boolean => extensionsOf(field).packable === true;

/** Returns the column that a field exposes. A permission on the field, or any other wrapper, would have given it a resolver. */
export const exposedColumnOf = (field: Field): string | undefined => (field.resolve ? undefined : extensionsOf(field).pothosExposedField);

/** Whether the field has a permission of its own, so that callers without it get the rest of the response only. */
export const isGuarded = (field: Field): boolean => extensionsOf(field).pothosOptions?.authScopes !== undefined;

const isWrapped = (field: Field): boolean => extensionsOf(field).pothosResolveWrapped !== false;

/**
 * Returns a list's own resolver, and the permission that its parent type requires.
 * @returns `undefined` if its permissions are anything but one `permission` on the parent type, it has another wrapper, or its arguments are mapped
 */
export function unwrapped(
  field: Field,
  parentType: GraphQLObjectType,
): { readonly resolve: GraphQLFieldResolver<unknown, unknown>; readonly permission?: string } | undefined {
  const { pothosOriginalResolve: resolve, pothosOptions, pothosArgMappers } = extensionsOf(field);
  const scopes = extensionsOf(parentType).pothosOptions?.authScopes ?? {};
  const { permission, ...others }: Record<string, unknown> = typeof scopes === 'object' ? { ...scopes } : { other: scopes };
  if (Object.keys(others).length > 0 || pothosOptions?.authScopes !== undefined || pothosArgMappers?.length || !resolve) return undefined;
  if (typeof permission === 'string') return { resolve, permission };
  return permission === undefined && !isWrapped(field) ? { resolve } : undefined;
}

/**
 * Checks that Pothos still builds fields as planned pages assume.
 * @param plugins the names of the builder's plugins
 * @throws Error that names what changed
 */
export function assertPlannable(schema: GraphQLSchema, plugins: readonly string[]): void {
  const unknown = plugins.filter((plugin) => !UNDERSTOOD_PLUGINS.includes(plugin));
  if (unknown.length > 0) throw changed(`the plugin ${unknown.join(', ')} may wrap resolvers that planned pages call directly`);
  const fields = Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .flatMap((type) => Object.values(type.getFields()).map((field) => ({ name: `${type.name}.${field.name}`, type, field })));
  const lists = fields.filter(({ field }) => isPackable(field));
  if (lists.length === 0) throw changed('no list is marked as packable');
  for (const { name, type, field } of lists) {
    if (!unwrapped(field, type)) throw changed(`the resolver of ${name} cannot be reached without its wrapper`);
  }
  for (const { field } of lists) assertUnguarded(field);
}

/** Checks that no permission or plugin guards the parts of a page around its rows, or a whole row. */
function assertUnguarded(list: Field): void {
  const connection = getNamedType(list.type) as GraphQLObjectType;
  const edge = memberType(connection, 'edges');
  const row = memberType(edge, 'node');
  for (const type of [connection, edge, memberType(connection, 'pageInfo'), row]) {
    const guard = [type, ...type.getInterfaces()].find((one) => extensionsOf(one).pothosOptions?.authScopes !== undefined);
    if (guard) throw changed(`${guard.name} requires a permission that planned pages do not check`);
    const { id, ...fields } = type.getFields();
    const written = type === row ? [id] : [id, ...Object.values(fields)];
    const wrapped = written.find((field) => field && isWrapped(field));
    if (wrapped) throw changed(`the resolver of ${type.name}.${wrapped.name} is wrapped, and planned pages do not call it`);
  }
  const { sid } = row.getFields();
  if (!sid || exposedColumnOf(sid) !== 'sid') throw changed(`${row.name}.sid is not a column that planned pages can read`);
}

const memberType = (type: GraphQLObjectType, name: string) => getNamedType(type.getFields()[name]?.type) as GraphQLObjectType;

const changed = (what: string) => new Error(`Planned pages (src/execution) rely on Pothos in a way that no longer holds: ${what}.`);
