import type { Data } from './data.ts';
import type { Measured, Pace } from './measure.ts';
import type { PeerName } from './peers.ts';
import type { Server } from './server.ts';

/** What every row of work is given. */
export interface Bench {
  readonly data: Data;
  readonly pace: Pace;
  /** The PostgreSQL that databases are made in. */
  readonly server: string;
  /** Tiny: that it runs counts, not how fast. */
  readonly smoke: boolean;
  readonly subscribers: number;
  /** The gateway on the data, started once. @param fresh another one, which the caller stops */
  gateway(): Promise<Server>;
  /** A peer on the data, started once; `undefined` where it can't be installed. */
  peer(name: PeerName, organization?: string): Promise<Server | undefined>;
}

/** One line of the table. */
export interface Row {
  readonly work: string;
  readonly beside: string;
  readonly gateway: string;
  readonly peer: string;
  /** What the mark is about: mostly a multiple, else in `unit`. */
  readonly is: number;
  readonly unit?: 'ms' | 'MB' | '/s';
  /** The same multiple by processor time for a request, which other work on the machine changes least. */
  readonly byProcessor?: number;
  /** Whether the mark is about `byProcessor`. */
  readonly isByProcessor?: boolean;
  /** Absent where the line only tells. */
  readonly mark?: { readonly atLeast: number } | { readonly atMost: number };
  /** Said below the table. */
  readonly note?: string;
}

/** What a row of work comes to: its lines, and what was measured for them. */
export interface Outcome {
  readonly rows: readonly Row[];
  readonly measured: readonly Measured[];
}

export type Work = (bench: Bench) => Promise<Outcome>;
