import type { Gateway } from '../domain/gateway.ts';

/** Something that one instance at a time does, again and again. */
export interface Job {
  readonly name: string;
  /** From the beginning of one run to the next, in ms. */
  readonly everyMs: number;
  readonly run: () => Promise<unknown>;
}

export interface Jobs {
  /** Lets no run begin, and resolves when the one that runs has ended. */
  stop(): Promise<void>;
}

/** How often it is looked whether a job is due, in ms. */
const LOOK_MS = 1000;

/** Runs jobs when they are due. Of several instances the one that moves a job's due time first runs it. */
export function startJobs({ prisma, log }: Pick<Gateway, 'prisma' | 'log'>, jobs: readonly Job[]): Jobs {
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  async function look(): Promise<void> {
    for (const job of jobs) {
      if (stopped) return;
      try {
        if (await claim(job)) await job.run();
      } catch (error) {
        log.error({ err: error, job: job.name }, 'a job failed; it runs again when it is due');
      }
    }
    if (!stopped) timer = setTimeout(begin, LOOK_MS);
  }

  async function claim({ name, everyMs }: Job): Promise<boolean> {
    const rows = await prisma.$queryRaw<{ name: string }[]>`
      INSERT INTO scheduled_job AS j (name, due) VALUES (${name}, now() + ${everyMs} * interval '1 millisecond')
      ON CONFLICT (name) DO UPDATE SET due = excluded.due WHERE j.due <= now()
      RETURNING name`;
    return rows.length > 0;
  }

  const begin = () => {
    running = look();
  };
  begin();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
