import fc from 'fast-check';
import { type Dice, diceOf } from './hostile.ts';

/** `npm run fuzz`: for how many seconds each file runs, and how many requests a property sends at most. */
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 0);
const RUNS = Number(process.env.FUZZ_RUNS ?? 0);
const SEED = process.env.FUZZ_SEED ? Number(process.env.FUZZ_SEED) : undefined;

export const isLong = SECONDS > 0 || RUNS > 0;

/** How long a test may take: its share of the time, and as much again to make a failure small. */
export const timeoutOf = (share: number) => 60_000 + SECONDS * share * 2000;

export interface Runs {
  /** How many in CI. */
  readonly short: number;
  /** Which part of the time of a long run. */
  readonly share: number;
  /** Done now and then. */
  readonly between?: () => Promise<void>;
}

const BETWEEN = 300;

/** Runs a property with ever different random values. A failure is shrunk and reported with its seed and path, for FUZZ_SEED and FUZZ_PATH. */
export async function fuzz({ short, share, between }: Runs, once: (dice: Dice) => Promise<void>): Promise<void> {
  let runs = 0;
  const property = fc.asyncProperty(fc.gen(), async (g) => {
    runs += 1;
    if (runs % BETWEEN === 0) await between?.();
    await once(diceOf(g));
  });
  const outcome = await fc.check(property, {
    seed: SEED,
    path: process.env.FUZZ_PATH,
    numRuns: RUNS || (SECONDS > 0 ? 10_000_000 : short),
    // Also where a machine is slow: then CI sends less.
    interruptAfterTimeLimit: SECONDS > 0 ? SECONDS * share * 1000 : 20_000,
  });
  if (!outcome.failed) return;
  const { seed, counterexamplePath, errorInstance } = outcome;
  throw new Error(`FUZZ_SEED=${seed} FUZZ_PATH=${counterexamplePath}\n${(errorInstance as Error | null)?.stack}`);
}
