import { setTimeout as delay } from 'node:timers/promises';
import type { Gateway } from '../domain/gateway.ts';

/** Something that one instance at a time does, again and again. */
export interface Job {
  readonly name: string;
  /** From the beginning of one run to the next, in ms. */
  readonly everyMs: number;
  /** `signal` asks a long run to end early. */
  readonly run: (signal: AbortSignal) => Promise<unknown>;
}

export interface Jobs {
  /** Lets no run begin, and resolves when those that run have ended. */
  stop(): Promise<void>;
}

/** How often it is looked whether a job is due: at so many points of its period. */
const LOOKS = 10;

/** Runs jobs when they are due, each on its own. Of several instances the one that moves a job's due time first runs it. */
export function startJobs({ prisma, log }: Pick<Gateway, 'prisma' | 'log'>, jobs: readonly Job[]): Jobs {
  const stopping = new AbortController();
  const { signal } = stopping;

  async function keep(job: Job): Promise<void> {
    while (!signal.aborted) {
      try {
        if (await claim(job)) await job.run(signal);
      } catch (error) {
        log.error({ err: error, job: job.name }, 'a job failed; it runs again when it is due');
      }
      await delay(job.everyMs / LOOKS, undefined, { signal }).catch(() => {});
    }
  }

  async function claim({ name, everyMs }: Job): Promise<boolean> {
    const rows = await prisma.$queryRaw<{ name: string }[]>`
      INSERT INTO scheduled_job AS j (name, due) VALUES (${name}, now() + ${everyMs} * interval '1 millisecond')
      ON CONFLICT (name) DO UPDATE SET due = excluded.due WHERE j.due <= now()
      RETURNING name`;
    return rows.length > 0;
  }

  const running = jobs.map(keep);
  return {
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
    },
  };
}
