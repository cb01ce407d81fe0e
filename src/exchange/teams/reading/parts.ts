// Reads parts of an activity that may have any type: others write them.

export type Fields = Record<string, unknown>;

/** Whether a value has fields that can be read: an object or a list. */
export const hasFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
export const objectsOf = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(hasFields) : []);
export const stringOf = (value: unknown) => (typeof value === 'string' ? value : undefined);
export const idOf = (value: unknown) => (hasFields(value) ? stringOf(value.id) : undefined);
