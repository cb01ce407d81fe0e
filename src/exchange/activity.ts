import { z } from 'zod';
import { isStorableText } from './storable-text.ts';

const text = (max: number) => z.string().refine((value) => isStorableText(value, max));

/**
 * The fields of a Bot Framework Activity that the exchange reads.
 * https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference#activity-object
 */
export const activitySchema = z.object({
  type: text(100),
  id: text(500).optional(),
  text: text(28_000).nullish(),
  serviceUrl: text(2000),
  channelId: text(100),
  from: z.object({ id: text(500), aadObjectId: text(100).optional() }),
  recipient: z.object({ id: text(500) }).optional(),
  conversation: z.object({ id: text(500), tenantId: text(200).optional(), conversationType: text(100).optional() }),
  channelData: z.object({ tenant: z.object({ id: text(200) }).optional() }).nullish(),
  attachments: z.array(z.object({ contentType: text(200).optional(), contentUrl: text(2000).nullish() })).nullish(),
});
export type Activity = z.output<typeof activitySchema>;
