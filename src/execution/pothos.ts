import {
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
} from 'graphql';

// What planned pages rely on in Pothos: they call a list's own resolver without what plugins put around it, read the columns of fields that have no
// resolver at all, and write connections, edges and page info without their resolvers. A plugin or a permission that is added later would silently not be
// asked, so the schema is checked when it is built.

/** The plugins whose wrapping is understood: scope-auth's checks are made for the whole document; the others leave lists and columns alone. */
const UNDERSTOOD_PLUGINS: readonly string[] = ['errors', 'scopeAuth', 'relay', 'prisma'];

/** What Pothos 4 keeps in a field's or a type's extensions. */
interface PothosExtensions {
  readonly pothosOriginalResolve?: GraphQLFieldResolver<unknown, unknown>;
  /** Has a plugin put something around the field's resolver? */
  readonly pothosResolveWrapped?: boolean;
  readonly pothosOptions?: { readonly authScopes?: object };
  readonly pothosArgMappers?: readonly unknown[];
  readonly pothosExposedField?: string;
  /** Ours: schema/columns.ts. */
  readonly packable?: boolean;
}

type Field = GraphQLField<unknown, unknown>;

const extensionsOf = ({ extensions }: Pick<Field, 'extensions'>) => extensions as PothosExtensions;

/** Is it a list whose pages may be packed? */
export const isPackable = (field: Field): boolean => extensionsOf(field).packable === true;

/** The column that a field shows as it is. A permission on the field, or any other wrapping, would have given it a resolver. */
export const exposedColumnOf = (field: Field): string | undefined => (field.resolve ? undefined : extensionsOf(field).pothosExposedField);

const isWrapped = (field: Field): boolean => extensionsOf(field).pothosResolveWrapped !== false;

/**
 * A list's own resolver, and the permission that its parent type requires.
 * @returns `undefined` if its permissions have another form than one `permission` on the parent type, or something else wraps it, or its arguments are
 *   mapped
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
 * Checks that Pothos still builds fields in the way that planned pages rely on.
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
    if (!unwrapped(field, type)) throw changed(`the resolver of ${name} cannot be reached without its wrapping`);
  }
  for (const { field } of lists) assertUnguarded(field);
}

/** Checks that no permission and no plugin guards what a page shows around its rows, or any row as a whole. */
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
  if (!sid || exposedColumnOf(sid) !== 'sid') throw changed(`${row.name}.sid is not a column that is shown as it is`);
}

const memberType = (type: GraphQLObjectType, name: string) => getNamedType(type.getFields()[name]?.type) as GraphQLObjectType;

const changed = (what: string) => new Error(`Planned pages (src/execution) rely on Pothos in a way that no longer holds: ${what}.`);
