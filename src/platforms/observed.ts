import { type Fetch, type NoResponseError, noResponse } from './request.ts';

/** Which service of a platform is called, or a webhook endpoint. */
export type ServiceName = 'restcomm' | 'login' | 'graph' | 'connector' | 'keys' | 'webhook';

/** A request to a platform that is about to leave. */
interface OutgoingCall {
  readonly service: ServiceName;
  readonly method: string;
  readonly host: string;
}

/** What an observer has to do with a call. Must not throw. */
interface ObservedCall {
  /** Headers to add to the request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** @param outcome the status, or the code of NoResponseError */
  readonly ended: (outcome: number | NoResponseError['code']) => void;
}

export type ObserveCall = (call: OutgoingCall) => ObservedCall;

/** Reports each request to a platform, until its response begins. */
export const observedFetch =
  (fetch: Fetch, serviceOf: (url: URL) => ServiceName, observe: ObserveCall): Fetch =>
  async (url, init = {}) => {
    const target = new URL(url);
    const { headers, ended } = observe({ service: serviceOf(target), method: init.method ?? 'GET', host: target.host });
    try {
      const response = await fetch(url, headers ? { ...init, headers: { ...init.headers, ...headers } } : init);
      ended(response.status);
      return response;
    } catch (error) {
      ended(noResponse(target.host, error).code);
      throw error;
    }
  };
