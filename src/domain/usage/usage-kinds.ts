import type { ChannelStatus, MessageDirection, MessageType } from '../../../prisma/client/client.ts';

// What a message is, as a number: its direction, type, status and the bucket of its time to delivery. The database's function usage_kind makes the same.

const DIRECTIONS: readonly MessageDirection[] = ['INBOUND', 'OUTBOUND'];
const TYPES: readonly MessageType[] = ['SMS', 'MMS'];
const STATUSES: readonly ChannelStatus[] = ['QUEUED', 'SENDING', 'SENT', 'DELIVERED', 'UNDELIVERED', 'FAILED', 'READ', 'RECEIVED'];

/** How many numbers there are. A slot's kinds add this for each quarter of an hour within the slot. */
export const KINDS = 2 * 4 * 16 * 64;

/** What the numbers of a kind depend on. Masked with these bits, kinds that differ in nothing else are equal. */
export const KIND_BITS = { DIRECTION: 1 << 12, TYPE: 3 << 10, STATUS: 15 << 6 } as const;

export interface UsageKind {
  readonly direction: MessageDirection;
  readonly type: MessageType;
  readonly status: ChannelStatus;
  /** Of the time to delivery, see delivery-times.ts; -1 if it was not delivered. */
  readonly bucket: number;
}

/** Makes the number of a kind. */
export const numberOf = ({ direction, type, status, bucket }: UsageKind): number =>
  (DIRECTIONS.indexOf(direction) << 12) + (TYPES.indexOf(type) << 10) + (STATUSES.indexOf(status) << 6) + bucket + 1;

/** Reads the number of a kind. */
export const kindOf = (number: number): UsageKind => ({
  direction: DIRECTIONS[(number >> 12) & 1] as MessageDirection,
  type: TYPES[(number >> 10) & 3] as MessageType,
  status: STATUSES[(number >> 6) & 15] as ChannelStatus,
  bucket: (number & 63) - 1,
});

/** Tells for the number of each kind whether it passes a test: 1 or 0. */
export function kindsWhere(test: (kind: UsageKind) => boolean): Uint8Array {
  const passed = new Uint8Array(KINDS);
  for (const direction of DIRECTIONS) {
    for (const type of TYPES) {
      for (const status of STATUSES) {
        for (let bucket = -1; bucket < 63; bucket++) {
          const kind = { direction, type, status, bucket };
          if (test(kind)) passed[numberOf(kind)] = 1;
        }
      }
    }
  }
  return passed;
}
