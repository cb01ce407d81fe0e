import {
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  isEnumType,
  isListType,
  isNonNullType,
} from 'graphql';
import type { PackedField } from '../database/lists/packed.ts';
import type { Gap, PagePlan, RowPlan } from './plans.ts';
import { asIs, boolean, globalIdOf, instant, nullOr, text, type Writer } from './writers.ts';

/** There is something in the document that only the general way can answer. */
export class Unplannable extends Error {}

type ColumnGap = { place: number; readonly write: Writer } | { sidPlace: number; readonly list: PagePlan };

/** A row's plan while it is made. Where a column stands in a row is known once all are. */
export class RowPlanning implements RowPlan {
  readonly texts: string[] = [''];
  readonly gaps: Gap[] = [];
  /** Each column once, however often it is shown. */
  readonly #columns = new Map<string, PackedField>();
  readonly #columnOf = new Map<ColumnGap, string>();

  say(text: string): void {
    this.texts[this.texts.length - 1] += text;
  }

  leave(gap: Gap): void {
    this.gaps.push(gap);
    this.texts.push('');
  }

  list(list: PagePlan): void {
    this.#leaveFor(SID, { sidPlace: 0, list });
  }

  /** A column that is shown as it is: a field that needs a permission has a resolver about it. */
  show(type: GraphQLObjectType, field: GraphQLField<unknown, unknown> | undefined): void {
    if (!field) throw new Unplannable();
    if (field.name === 'id' && type.getInterfaces().some(({ name }) => name === 'Node')) {
      this.#leaveFor(SID, { place: 0, write: globalIdOf(type.name) });
      return;
    }
    if (field.extensions.pothosExposedField !== field.name || field.resolve) throw new Unplannable();
    const nullable = !isNonNullType(field.type);
    const list = isListType(isNonNullType(field.type) ? field.type.ofType : field.type);
    if (nullable && list) throw new Unplannable();
    const write = writerOf(field.type, list);
    this.#leaveFor({ field: field.name, nullable, list }, { place: 0, write: nullable ? nullOr(write) : write });
  }

  #leaveFor(column: PackedField, gap: ColumnGap): void {
    this.#columns.set(column.field, column);
    this.#columnOf.set(gap, column.field);
    this.leave(gap);
  }

  /** Nothing more is shown. @returns its columns, in the same order whatever the order in which they are shown: it makes a statement's text */
  settle(): readonly PackedField[] {
    if (this.#columns.size === 0) this.#columns.set(SID.field, SID);
    const names = [...this.#columns.keys()].sort();
    for (const [gap, name] of this.#columnOf) {
      if ('list' in gap) gap.sidPlace = names.indexOf(name);
      else gap.place = names.indexOf(name);
    }
    return names.map((name) => this.#columns.get(name) as PackedField);
  }
}

const SID: PackedField = { field: 'sid', nullable: false, list: false };

function writerOf(type: GraphQLOutputType, list: boolean): Writer {
  const named = getNamedType(type);
  if (list) {
    if (named.name === 'String' || named.name === 'ID') return asIs;
  } else if (isEnumType(named)) {
    if (named.getValues().every(({ name, value }) => value === name)) return text;
  } else if (named.name in SCALARS) {
    return SCALARS[named.name as keyof typeof SCALARS];
  }
  throw new Unplannable();
}

const SCALARS = { String: text, ID: text, Int: asIs, Boolean: boolean, DateTime: instant } as const;
