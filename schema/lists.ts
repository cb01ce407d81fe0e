import { builder } from './builder.ts';

export const OrderDirectionEnum = builder.enumType('OrderDirection', {
  description: 'The direction in which a list is sorted.',
  values: {
    ASC: { description: 'Ascending: smallest or oldest first.' },
    DESC: { description: 'Descending: largest or newest first.' },
  } as const,
});

builder.globalConnectionField('totalCount', (t) =>
  t.int({
    description:
      'The number of items on all pages, after filtering. Of a filtered list, at most 100,000 items are looked at; if there are more, the number is the least that it can be, and `totalCountIsExact` is false, except for messages by enterprise, mapping, direction, type, statuses and time of creation, whose numbers are kept. Counted only if selected.',
    resolve: (page) => page.totalCount(),
  }),
);

builder.globalConnectionField('totalCountIsExact', (t) =>
  t.boolean({
    description:
      'Whether `totalCount` counts all items. It does unless the list is filtered by more than what numbers are kept of, and has more than 100,000 items.',
    resolve: (page) => page.totalCountIsExact(),
  }),
);

type Types = typeof builder extends PothosSchemaTypes.SchemaBuilder<infer T> ? T : never;
type InputFields = PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>;

/** The argument that lists have in addition to Relay's: page numbers, for the REST contract. */
export const offset = builder.args((t) => ({
  offset: t.int({
    description:
      'The number of items to skip, for page numbers. Defaults to 0; cannot be combined with `after`, `before` or `last`. Prefer `after`: an offset above 100,000 is `SEARCH_TOO_WIDE`, except in an unfiltered `Query.messages` sorted by `DATE_CREATED`.',
  }),
}));

/** Filter fields for the times of creation and of the last change, all bounds inclusive. */
export const timeRanges = (t: InputFields) => ({
  createdFrom: t.field({ type: 'DateTime', description: 'The object was created at or after this time.' }),
  createdTo: t.field({ type: 'DateTime', description: 'The object was created at or before this time.' }),
  updatedFrom: t.field({ type: 'DateTime', description: 'The object was last changed at or after this time.' }),
  updatedTo: t.field({ type: 'DateTime', description: 'The object was last changed at or before this time.' }),
});

/** The input field that makes a mutation safe to repeat. */
export const idempotencyKey = (t: InputFields) => ({
  idempotencyKey: t.string({
    description:
      'A key that makes the mutation safe to repeat: for 24 hours, the same key and input return the first result, `ConflictError` or `NotFoundError` again. At most 255 printable ASCII characters, chosen by the client; each account and admin has its own keys.',
  }),
});
