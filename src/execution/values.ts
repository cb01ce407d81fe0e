import type { PackedRow } from '../database/lists/packed.ts';
import type { Form } from './forms.ts';

/** A list that selects only columns and totals. It can be answered as values, for callers that would parse the JSON again. */
export interface ListValues {
  /** The connection's members by their response keys. */
  readonly members: readonly (readonly [key: string, part: 'rows' | 'totalCount' | 'totalCountIsExact'])[];
  /** A row's members by their response keys. */
  readonly columns: readonly (readonly [key: string, column: ColumnValue])[];
}

/** The column at `place` of the packed row. */
export interface ColumnValue {
  readonly place: number;
  readonly form: Form;
}

/** Returns the values of a row. */
export function rowValues(columns: ListValues['columns'], row: PackedRow): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [key, { place, form }] of columns) values[key] = form.read(row[place] as string);
  return values;
}
