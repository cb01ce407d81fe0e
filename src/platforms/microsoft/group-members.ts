import * as z from 'zod';
import { PlatformError } from '../../domain/errors.ts';
import { jsonFields, retryAfterMs } from '../request.ts';
import type { GraphRequests } from './graph-requests.ts';
import type { GroupMember, Microsoft } from './microsoft.ts';
import { graphError } from './outcomes.ts';

/** The largest page that Graph gives. */
const PAGE = 999;
const FIELDS = 'id,displayName,userPrincipalName,accountEnabled,usageLocation,businessPhones,mobilePhone';

/** With `$count=true`, which the next page's address keeps, Graph requires it of a query with a cast. */
const ADVANCED = { consistencylevel: 'eventual' };

const text = z
  .string()
  .nullish()
  .transform((given) => given ?? undefined);
const page = z.object({
  value: z.array(
    z.object({
      userPrincipalName: z.string().min(1),
      displayName: text,
      usageLocation: text,
      accountEnabled: z.boolean().nullish(),
      businessPhones: z.array(z.string()).nullish(),
      mobilePhone: text,
    }),
  ),
  '@odata.nextLink': z.string().optional(),
});

/**
 * Creates a client of groups in Graph, which the application may read with `GroupMember.Read.All`, and with `User.Read.All` the numbers of their members.
 * https://learn.microsoft.com/graph/api/group-list-transitivemembers
 */
export function createGroupMembers({ send, graphUrl }: GraphRequests): Pick<Microsoft, 'groupMembers'> {
  return {
    groupMembers: async function* (bot, groupId) {
      let path = `v1.0/groups/${encodeURIComponent(groupId)}/transitiveMembers/microsoft.graph.user?$count=true&$select=${FIELDS}&$top=${PAGE}`;
      for (;;) {
        const { response, refusal } = await send(bot, path, { headers: ADVANCED });
        if (response.status !== 200) {
          const { code, message } = refusal();
          const words =
            response.status === 403 ? `The application needs the permission GroupMember.Read.All of Microsoft Graph. ${message}` : message;
          const cause = graphError(response.status, { code, message: words }, retryAfterMs(response));
          throw new PlatformError(words, { value: groupId, detail: `${response.status} ${code}`, cause });
        }
        const read = page.safeParse(jsonFields(response.text));
        if (!read.success) throw new PlatformError(`${response.host} responded with status 200 and no members.`, { value: groupId });
        for (const { accountEnabled, businessPhones, ...member } of read.data.value) {
          if (accountEnabled !== false) yield { ...member, businessPhones: businessPhones ?? [] } satisfies GroupMember;
        }
        const next = read.data['@odata.nextLink'];
        if (next === undefined) return;
        // A token goes to Graph only, wherever a response points to.
        if (!next.startsWith(`${graphUrl.replace(/\/+$/, '')}/`)) throw new PlatformError(`${response.host} names a next page elsewhere.`);
        path = next.slice(graphUrl.replace(/\/+$/, '').length + 1);
      }
    },
  };
}
