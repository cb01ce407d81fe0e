import { createClient, gatewayUrlOf } from '../client.ts';
import { CommandError, type Terminal, UsageError } from '../session.ts';

/** A client of a running gateway's graph, for the commands that import and export. Its methods throw CommandError. */
export interface BulkClient {
  /** Runs an operation whose result has the alias `result`: an error of its union is thrown. */
  graph<Result>(document: string, variables: object): Promise<Result>;
  /** Follows a link that the gateway has signed, at the address where this command reaches the gateway. */
  follow(link: string, init?: RequestInit): Promise<Response>;
}

/**
 * Creates a client from ACCOUNT_SID and AUTH_TOKEN, which no other user of the machine sees, as they would see arguments.
 * @throws UsageError if they are not set
 */
export function bulkClient({ env }: Terminal, given: string | undefined): BulkClient {
  const { ACCOUNT_SID: accountSid, AUTH_TOKEN: authToken } = env;
  if (!accountSid || !authToken) throw new UsageError('Set ACCOUNT_SID and AUTH_TOKEN to the credentials of an account.');
  const gatewayUrl = gatewayUrlOf(given, env);
  const { post } = createClient(gatewayUrl, accountSid, authToken);
  return {
    graph: async <Result>(query: string, variables: object) => {
      const { data, errors } = (await post('/graphql', { query, variables })) as {
        data?: { result: (Result & { code?: undefined }) | { code: string; message: string } | null };
        errors?: readonly { message: string }[];
      };
      if (errors?.[0]) throw new CommandError(`The gateway refused: ${errors[0].message}`);
      if (!data?.result) throw new CommandError('The gateway found nothing.');
      if (data.result.code !== undefined)
        throw new CommandError(`The gateway refused: ${(data.result as { message: string }).message} (${data.result.code})`);
      return data.result as Result;
    },
    follow: async (link, init) => {
      const [path] = /\/(exports|imports)\/[^/]+$/.exec(link) ?? [];
      try {
        return await fetch(new URL(path ?? link, gatewayUrl), init);
      } catch (error) {
        throw new CommandError(`Lost the connection to ${gatewayUrl} (${error instanceof Error ? error.message : error}).`);
      }
    },
  };
}
