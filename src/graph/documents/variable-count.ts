import type { GraphQLError } from 'graphql';
import { overLimit } from './limit-errors.ts';

/** The most values that an operation's variables may have, lists' elements and objects' fields among them: as many as a document has tokens. */
export const MAX_VALUES = 2000;

/**
 * The error of variables that hold too much: graphql repeats a whole object in what it says of each of its wrong fields, so that a megabyte of them
 * takes it minutes.
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
