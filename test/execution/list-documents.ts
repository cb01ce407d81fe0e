import fc from 'fast-check';
import type { Question } from './both-ways.ts';

// Documents of lists, and of lists in them, whose rows show nothing but their columns.

type TypeName = keyof typeof COLUMNS;

/** The columns of each type, those that no resolver makes. */
export const COLUMNS = {
  Message:
    'sid direction type from to body mediaUrls segments encoding channelStatus channelErrorCode channelErrorMessage restcommMessageSid possiblyDuplicated stuck accountSid dateCreated dateUpdated enterpriseSid mappingSid'.split(
      ' ',
    ),
  Mapping: 'sid name microsoftAddress externalAddress enterpriseSid accountSid dateCreated dateUpdated'.split(' '),
  Enterprise: 'sid name status messageRetentionDays accountSid dateCreated dateUpdated'.split(' '),
  Conversation:
    'sid lastMessageSid lastMessageDate messagesFromPhone messagesFromTeams messagesFailed unansweredSince dateCreated enterpriseSid mappingSid'.split(
      ' ',
    ),
  Bot: 'sid applicationId tenantId homeTenantId botAppId clientSecretHint enterpriseSid accountSid dateCreated dateUpdated'.split(' '),
} as const;

/** The lists of each type. */
export const LISTS: Readonly<Record<'Query' | TypeName, Readonly<Record<string, TypeName>>>> = {
  Query: { messages: 'Message', mappings: 'Mapping', enterprises: 'Enterprise', bots: 'Bot', conversations: 'Conversation' },
  Enterprise: { mappings: 'Mapping', messages: 'Message' },
  Mapping: { messages: 'Message', conversations: 'Conversation' },
  Conversation: { messages: 'Message' },
  Message: {},
  Bot: {},
};

const ORDERS: Readonly<Record<TypeName, readonly string[]>> = {
  Message: ['DATE_CREATED', 'FROM', 'TO'],
  Mapping: ['DATE_CREATED', 'NAME', 'MICROSOFT_ADDRESS', 'EXTERNAL_ADDRESS', 'DOMAIN'],
  Enterprise: ['DATE_CREATED', 'NAME'],
  Conversation: ['LAST_MESSAGE', 'PHONE', 'UNANSWERED_SINCE'],
  Bot: ['DATE_CREATED'],
};

const FILTERS: Readonly<Record<TypeName, readonly object[]>> = {
  Message: [
    { stuck: false },
    { statuses: ['DELIVERED', 'UNDELIVERED'] },
    { body: 'ell', updatedFrom: '1990-01-01T00:00:00Z' },
    { restcommMessageSid: 'SM1' },
    { from: '+49' },
    { channelErrorCode: '3', type: null },
    { createdFrom: '1990-01-01T00:00:00Z' },
  ],
  Mapping: [
    { name: '"' },
    { externalAddress: '+' },
    { createdTo: '2000-01-01T00:00:00Z' },
    { operational: true },
    { operational: false, domain: 'b.example' },
  ],
  Enterprise: [{ name: 'a' }, { statuses: ['ACTIVE'] }, { statuses: [] }],
  Conversation: [{ unanswered: true }, { unanswered: false, phone: '+' }, { lastMessageTo: '2000-01-01T00:00:00Z' }],
  Bot: [{ createdFrom: '1990-01-01T00:00:00+02:00' }],
};

/** What is said of a document while it is written. */
interface Writing {
  readonly variables: Record<string, { readonly type: string; readonly value: unknown }>;
  readonly fragments: string[];
}
type Part = (writing: Writing) => string;

const literal = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([name, part]) => `${name}: ${name === 'field' || name === 'direction' ? part : literal(part)}`)
    .join(', ')} }`;
};

/** One argument: written out, or by a variable. */
const argument = (name: string, type: string, values: readonly unknown[]): fc.Arbitrary<Part> =>
  fc.tuple(fc.constantFrom(...values), fc.boolean()).map(([value, byVariable]) => ({ variables }: Writing) => {
    if (!byVariable) return `${name}: ${literal(value)}`;
    const variable = `v${Object.keys(variables).length}`;
    variables[variable] = { type, value };
    return `${name}: $${variable}`;
  });

const page = fc.oneof(
  argument('first', 'Int', [0, 1, 2, 3, null]),
  argument('last', 'Int', [0, 1, 2, 3]),
  fc.tuple(argument('first', 'Int', [2, 4]), argument('offset', 'Int', [0, 1, 40])).map(
    ([first, offset]): Part =>
      (writing) =>
        `${first(writing)}, ${offset(writing)}`,
  ),
);

const argumentsOf = (type: TypeName): fc.Arbitrary<Part> => {
  const orders = ORDERS[type].flatMap((field) => [{ field }, { field, direction: 'DESC' }]);
  return fc
    .tuple(
      page,
      fc.option(argument('orderBy', `${type}Order`, orders)),
      fc.option(argument('filter', `${type}Filter`, FILTERS[type]), { freq: 1 }),
    )
    .map(
      (parts): Part =>
        (writing) =>
          parts.flatMap((part) => (part ? [part(writing)] : [])).join(', '),
    );
};

/** A field, or one under another name. */
const leaf = (names: readonly string[]): fc.Arbitrary<Part> =>
  fc.tuple(fc.constantFrom(...names, '__typename'), fc.constantFrom('', '', '', 'a: ', 'b_1: ', '_: ')).map(
    ([name, alias]): Part =>
      () =>
        (alias && `${alias.replace(':', `_${name}:`)}${name}`) || name,
  );

/** The same, in a fragment or not. */
const wrapped = (type: TypeName, part: fc.Arbitrary<Part>): fc.Arbitrary<Part> =>
  fc.tuple(part, fc.constantFrom('', '', 'inline', 'plain', 'named')).map(
    ([inner, how]): Part =>
      (writing) => {
        const text = inner(writing);
        if (how === 'inline') return `... on ${type} { ${text} }`;
        if (how === 'plain') return `... { ${text} }`;
        if (how === '') return text;
        const name = `F${writing.fragments.length}`;
        writing.fragments.push(`fragment ${name} on ${type} { ${text} }`);
        return `...${name}`;
      },
  );

const all =
  (parts: readonly Part[]): Part =>
  (writing) =>
    parts.map((part) => part(writing)).join(' ');

function row(type: TypeName, depth: number): fc.Arbitrary<Part> {
  const fields = fc.array(wrapped(type, leaf(COLUMNS[type])), { minLength: 1, maxLength: 6 }).map(all);
  const node = fc.constantFrom('', 'id', '... on Node { id __typename }', '... on Node { ... { x: id } }').map(
    (text): Part =>
      () =>
        text,
  );
  const inner = depth > 0 ? Object.entries(LISTS[type]) : [];
  const lists = fc
    .subarray(inner)
    .chain((some) => fc.tuple(...some.map(([field, of]) => wrapped(type, list(field, of, depth - 1)))).map(all));
  return fc.tuple(node, fields, lists).map(all);
}

const pageInfo: fc.Arbitrary<Part> = fc
  .array(leaf(['hasNextPage', 'hasPreviousPage', 'startCursor', 'endCursor']), { minLength: 1, maxLength: 4 })
  .map(
    (parts): Part =>
      (writing) =>
        `pageInfo { ${all(parts)(writing)} }`,
  );

function list(field: string, type: TypeName, depth: number): fc.Arbitrary<Part> {
  const nodes = row(type, depth).map(
    (part): Part =>
      (writing) =>
        `nodes { ${part(writing)} }`,
  );
  const edges = row(type, depth).map(
    (part): Part =>
      (writing) =>
        `edges { cursor node { ${part(writing)} } __typename }`,
  );
  const rest = fc.tuple(
    fc.option(pageInfo),
    fc.option(
      fc.constantFrom<Part>(
        () => 'totalCount',
        () => '__typename total: totalCount',
      ),
    ),
  );
  return fc
    .tuple(argumentsOf(type), fc.oneof(nodes, edges), rest, fc.boolean(), fc.constantFrom('', '', `l_${field}: `, `__${field}: `))
    .map(
      ([args, rows, others, first, alias]): Part =>
        (writing) => {
          const parts = others.flatMap((part) => (part ? [part] : []));
          return `${alias}${field}(${args(writing)}) { ${all(first ? [rows, ...parts] : [...parts, rows])(writing)} }`;
        },
    );
}

/** A document with its variables, of up to two lists, and up to three levels of them. */
export const listDocument: fc.Arbitrary<Question> = fc
  .uniqueArray(fc.constantFrom(...Object.entries(LISTS.Query)), { minLength: 1, maxLength: 2 })
  .chain((some) => fc.tuple(...some.map(([field, type]) => list(field, type, 2))))
  .map((parts) => {
    const writing: Writing = { variables: {}, fragments: [] };
    const text = all(parts)(writing);
    const declared = Object.entries(writing.variables).map(([name, { type }]) => `$${name}: ${type}`);
    const head = declared.length > 0 ? `query (${declared.join(', ')}) ` : '';
    const variables = Object.fromEntries(Object.entries(writing.variables).map(([name, { value }]) => [name, value]));
    return { query: `${head}{ ${text} } ${writing.fragments.join(' ')}`, variables };
  });
