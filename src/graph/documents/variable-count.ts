import type { GraphQLError } from 'graphql';
import { overLimit } from './limit-errors.ts';

/** The most values that an operation's variables may contain, counting the elements of lists and the fields of objects: as many as a document's tokens. */
export const MAX_VALUES = 2000;

/**
 * Checks that variables contain at most `MAX_VALUES` values. For each wrong field of an object, graphql's message quotes the whole object, so a
 * megabyte of wrong fields would take minutes.
 */
export function valueErrors(variables: Readonly<Record<string, unknown>> | null | undefined): readonly GraphQLError[] {
  const objects: object[] = [variables ?? {}];
  let count = 0;
  for (let object = objects.pop(); object; object = objects.pop()) {
    for (const value of Array.isArray(object) ? object : Object.values(object)) {
      count += 1;
      if (count > MAX_VALUES) return [overLimit('values', MAX_VALUES, undefined, 'values in its variables')];
      if (typeof value === 'object' && value !== null) objects.push(value);
    }
  }
  return [];
}
