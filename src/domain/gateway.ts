import type { Logger } from 'pino';
import type { PrismaClient } from '../../prisma/client/client.ts';
import type { Sql } from '../database/sql.ts';
import type { Microsoft } from '../platforms/microsoft/microsoft.ts';
import type { Restcomm } from '../platforms/restcomm/restcomm.ts';
import type { WebhookClient } from '../platforms/webhooks/client.ts';
import type { KeptMappings } from './caches/kept-mappings.ts';
import type { VerifiedCredentials } from './caches/verified-credentials.ts';
import type { ConsoleTab } from './console-tab.ts';
import type { Hints } from './hints.ts';
import type { Secrets } from './secrets.ts';

/** The domain's dependencies. Created once, by start.ts or a test, and the first argument of each domain function. */
export interface Gateway {
  readonly prisma: PrismaClient;
  /** The same database, for lists and other frequent statements. */
  readonly sql: Sql;
  readonly secrets: Secrets;
  readonly verified: VerifiedCredentials;
  readonly keptMappings: KeptMappings;
  readonly consoleTab: ConsoleTab;
  readonly restcomm: Restcomm;
  readonly microsoft: Microsoft;
  /** Sends what webhook endpoints receive. */
  readonly webhooks: WebhookClient;
  readonly hints: Hints;
  /** The URL at which the platforms reach this gateway, without a trailing slash. */
  readonly publicUrl: string;
  /** Whether typographic characters of Teams texts are folded where that saves segments (messages/sms-folding.ts); yes unless false. */
  readonly foldTypography?: boolean;
  readonly log: Logger;
}
