import { createQueue } from '../../domain/turns.ts';

/** Requests at the same time to one host, whichever endpoints they are for. */
const PER_HOST = 16;

/** Bounds the requests to each host. Its organizations take turns. */
export interface HostPlaces {
  /** Runs `work` when the host has a place. */
  run<Result>(host: string, organizationSid: string, work: () => Promise<Result>): Promise<Result>;
}

export function createHostPlaces(concurrency = PER_HOST): HostPlaces {
  const hosts = new Map<string, { readonly queue: ReturnType<typeof createQueue>; users: number }>();
  return {
    run: async (host, organizationSid, work) => {
      const found = hosts.get(host) ?? {
        queue: createQueue({ concurrency, maxWaiting: Number.POSITIVE_INFINITY, maxWaitingPerOrigin: Number.POSITIVE_INFINITY }),
        users: 0,
      };
      hosts.set(host, found);
      found.users += 1;
      try {
        return await found.queue.run(work, organizationSid);
      } finally {
        found.users -= 1;
        if (found.users === 0) hosts.delete(host);
      }
    },
  };
}
