import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Gateway } from '../../domain/gateway.ts';

/** Periodic work that runs on one instance at a time. */
interface Job {
  readonly name: string;
  /** From the start of one run to the start of the next, in ms; more after a run that takes longer than half of it. */
  readonly everyMs: number;
  /** @param signal aborted when a long run should end early */
  readonly run: (signal: AbortSignal) => Promise<unknown>;
}

/** How a run of a job has ended. */
export const JOB_OUTCOMES = ['done', 'failed'] as const;
type JobOutcome = (typeof JOB_OUTCOMES)[number];

/** Receives a report of each run of a job on this instance. Must not throw. */
export type ObserveJob = (job: string, outcome: JobOutcome, durationMs: number) => void;

interface Jobs {
  /** Starts no further run, and resolves when the current ones have ended. */
  stop(): Promise<void>;
}

/** How many times a job's period is checked for being due. */
const CHECKS_PER_PERIOD = 10;
/** How many times a job's period its claim is renewed while it runs. Each time, it is due half a period later at the earliest. */
const RENEWALS_PER_PERIOD = 4;
/** By how much the clock must have gone back, in ms. Less is the time that one instance's claim waits for another's. */
const STEP_MS = 5000;

interface JobsOptions extends Pick<Gateway, 'prisma' | 'log'> {
  readonly observe?: ObserveJob;
}

/**
 * Runs each job when it is due. Among several instances, the one that advances a job's due time runs it, and puts it off while its run goes on longer. A due time
 * that is much later than a period from now was set before the clock went back.
 */
export function startJobs({ prisma, log, observe }: JobsOptions, jobs: readonly Job[]): Jobs {
  const stopping = new AbortController();
  const { signal } = stopping;
  // Each job waits with it: more are no leak.
  setMaxListeners(0, signal);

  async function repeat(job: Job): Promise<void> {
    while (!signal.aborted) {
      try {
        if (await claim(job)) await run(job);
      } catch (error) {
        log.error({ err: error, job: job.name }, 'job failed; it runs again when it is next due');
      }
      await delay(job.everyMs / CHECKS_PER_PERIOD, undefined, { signal }).catch(() => {});
    }
  }

  async function run(job: Job): Promise<void> {
    const { name, run } = job;
    const began = performance.now();
    const ended = new AbortController();
    const renewed = renew(job, ended.signal);
    let outcome: JobOutcome = 'failed';
    try {
      await run(signal);
      outcome = 'done';
    } finally {
      ended.abort();
      await renewed;
      observe?.(name, outcome, performance.now() - began);
    }
  }

  async function claim({ name, everyMs }: Job): Promise<boolean> {
    const rows = await prisma.$queryRaw<{ name: string }[]>`
      INSERT INTO scheduled_job AS j (name, due) VALUES (${name}, now() + ${everyMs} * interval '1 millisecond')
      ON CONFLICT (name) DO UPDATE SET due = excluded.due WHERE j.due <= now() OR j.due > excluded.due + ${STEP_MS} * interval '1 millisecond'
      RETURNING name`;
    return rows.length > 0;
  }

  /** Keeps a job claimed until its run has ended. A renewal that fails is made up for by the next. */
  async function renew({ name, everyMs }: Job, ended: AbortSignal): Promise<void> {
    for (;;) {
      await delay(everyMs / RENEWALS_PER_PERIOD, undefined, { signal: ended }).catch(() => {});
      if (ended.aborted) return;
      await prisma.$executeRaw`
        UPDATE scheduled_job SET due = greatest(due, now() + ${everyMs / 2} * interval '1 millisecond') WHERE name = ${name}`.catch(
        (error) => log.warn({ err: error, job: name }, 'cannot renew the claim of a job that is running'),
      );
    }
  }

  const running = jobs.map(repeat);
  return {
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
    },
  };
}
