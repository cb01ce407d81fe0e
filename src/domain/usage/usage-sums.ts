import { DELIVERY_BOUNDS } from './delivery-times.ts';
import type { SlotUse } from './usage-grains.ts';
import { KINDS, kindsWhere } from './usage-kinds.ts';

/** What was used in one hour, day or month, of one group. */
export interface UsageSum {
  readonly place: number;
  /** The kind of the group's messages, by the bits that are grouped by. */
  readonly kind: number;
  messages: number;
  segments: number;
  delivered: number;
  failed: number;
  /** How many were delivered within the times of each bucket. No typed array: so small a one costs more to make than to fill. */
  readonly times: number[];
}

const FAILED = kindsWhere(({ status }) => status === 'FAILED' || status === 'UNDELIVERED');
const DELIVERED = kindsWhere(({ status }) => status === 'DELIVERED' || status === 'READ');

/** Adds slots up. */
export class UsageSums {
  readonly #wanted: Uint8Array;
  readonly #bits: number;
  readonly #sums = new Map<number, UsageSum>();

  /**
   * @param wanted the kinds that count
   * @param bits those of KIND_BITS that are grouped by
   */
  constructor(wanted: Uint8Array, bits: number) {
    this.#wanted = wanted;
    this.#bits = bits;
  }

  /**
   * @param packed how many messages of each kind one or more slots have: of each slot its kinds, their messages and their segments. Numbers are separated
   *   by commas, lists by spaces.
   * @returns how many sums there are more than before
   */
  add(packed: string, uses: readonly SlotUse[]): number {
    const before = this.#sums.size;
    for (position = 0; position < packed.length; ) {
      const length = readIntegers(packed, numbers);
      readIntegers(packed, counts);
      readIntegers(packed, sizes);
      this.#addSlot(length, uses);
    }
    return this.#sums.size - before;
  }

  /** Adds the slot that was read last. */
  #addSlot(length: number, uses: readonly SlotUse[]): void {
    // In this order, most kinds of a slot are added to the same sum as the kind before. Queries of many slots spend most of their time here.
    for (const { place, sign, from, to } of uses) {
      let sum: UsageSum | undefined;
      for (let at = 0; at < length; at++) {
        const number = numbers[at] as number;
        const kind = number & (KINDS - 1);
        const quarter = (number - kind) / KINDS;
        if (this.#wanted[kind] !== 1 || quarter < from || quarter >= to) continue;
        const own = kind & this.#bits;
        if (sum?.kind !== own) sum = this.#sumOf(place, own);
        const count = sign * (counts[at] as number);
        sum.messages += count;
        sum.segments += sign * (sizes[at] as number);
        if (FAILED[kind] === 1) sum.failed += count;
        else if (DELIVERED[kind] === 1) {
          sum.delivered += count;
          (sum.times[(kind & 63) - 1] as number) += count;
        }
      }
    }
  }

  #sumOf(place: number, kind: number): UsageSum {
    const key = place * KINDS + kind;
    let sum = this.#sums.get(key);
    if (!sum) {
      sum = {
        place,
        kind,
        messages: 0,
        segments: 0,
        delivered: 0,
        failed: 0,
        times: new Array<number>(DELIVERY_BOUNDS.length + 1).fill(0),
      };
      this.#sums.set(key, sum);
    }
    return sum;
  }

  /** Those that have messages. */
  *sums(): Generator<UsageSum> {
    for (const sum of this.#sums.values()) if (sum.messages !== 0) yield sum;
  }
}

// What is read of a slot, until the next one is.
const [numbers, counts, sizes]: [number[], number[], number[]] = [[], [], []];

const [COMMA, MINUS, ZERO] = [44, 45, 48];

/** Where the list that is read next begins. */
let position = 0;

/** Reads integers that are separated by commas, up to a space. @returns how many there are */
function readIntegers(text: string, into: number[]): number {
  let [value, sign, length, at] = [0, 1, 0, position];
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= ZERO) value = value * 10 + code - ZERO;
    else if (code === COMMA) {
      into[length++] = sign * value;
      value = 0;
      sign = 1;
    } else if (code === MINUS) sign = -1;
    else break;
  }
  into[length++] = sign * value;
  position = at + 1;
  return length;
}
