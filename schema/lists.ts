import { builder } from './builder.ts';

export const OrderDirectionEnum = builder.enumType('OrderDirection', {
  description: 'Which way a list runs.',
  values: { ASC: { description: 'Smallest, or oldest, first.' }, DESC: { description: 'Largest, or newest, first.' } } as const,
});

builder.globalConnectionField('totalCount', (t) =>
  t.int({ description: 'How many the filter matches in all. Counted only where asked for.', resolve: (page) => page.totalCount() }),
);

type Types = typeof builder extends PothosSchemaTypes.SchemaBuilder<infer T> ? T : never;
type InputFields = PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>;

/** The argument that lists have beside Relay's: page numbers, as the REST contract has them. */
export const offset = builder.args((t) => ({
  offset: t.int({
    description: 'Skip this many, for page numbers. It costs more the larger it is, but for all messages by creation: prefer `after`.',
  }),
}));

/** The bounds of a creation time, for every filter. */
export const createdRange = (t: InputFields) => ({
  createdFrom: t.field({ type: 'DateTime', description: 'Created at this instant or later.' }),
  createdTo: t.field({ type: 'DateTime', description: 'Created at this instant or earlier.' }),
});

/** For every mutation's input. */
export const idempotencyKey = (t: InputFields) => ({
  idempotencyKey: t.string({
    description:
      'Your own key for this request. Within 24 hours, the same key and input gives the first answer again; another input is refused.',
  }),
});
