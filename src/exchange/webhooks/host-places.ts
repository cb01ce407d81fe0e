import type { WebhookEndpoint } from '../../../prisma/client/client.ts';
import { createQueue } from '../../domain/turns.ts';

/** Requests at the same time to one host, whichever endpoints they are for. Those of slow endpoints have half of them at most. */
const PER_HOST = 16;

/** Bounds the requests to each host. Its organizations take turns. */
export interface HostPlaces {
  /** Runs `work` when the host has a place. */
  run<Result>(host: string, endpoint: Pick<WebhookEndpoint, 'organizationSid' | 'slow'>, work: () => Promise<Result>): Promise<Result>;
}

type HostQueue = ReturnType<typeof createQueue>;

export function createHostPlaces(concurrency = PER_HOST): HostPlaces {
  const hosts = new Map<string, { readonly all: HostQueue; readonly slow: HostQueue; users: number }>();
  const queueOf = (places: number) =>
    createQueue({ concurrency: places, maxWaiting: Number.POSITIVE_INFINITY, maxWaitingPerOrigin: Number.POSITIVE_INFINITY });
  return {
    run: async (host, { organizationSid, slow }, work) => {
      const found = hosts.get(host) ?? { all: queueOf(concurrency), slow: queueOf(Math.ceil(concurrency / 2)), users: 0 };
      hosts.set(host, found);
      found.users += 1;
      try {
        const inPlace = () => found.all.run(work, organizationSid);
        return await (slow ? found.slow.run(inPlace, organizationSid) : inPlace());
      } finally {
        found.users -= 1;
        if (found.users === 0) hosts.delete(host);
      }
    },
  };
}
