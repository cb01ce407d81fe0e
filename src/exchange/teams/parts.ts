// Reads parts of an activity that may have any type: others write them.

export type Fields = Record<string, unknown>;

export const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
export const objectsOf = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isObject) : []);
export const stringOf = (value: unknown) => (typeof value === 'string' ? value : undefined);
export const idOf = (value: unknown) => (isObject(value) ? stringOf(value.id) : undefined);
