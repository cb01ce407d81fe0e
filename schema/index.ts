import type { GraphQLSchema } from 'graphql';
import { assertPlannable } from '../src/execution/pothos.ts';
import { builder } from './builder.ts';
import './scalars.ts';
import './errors.ts';
import './lists.ts';
import './accounts/account.ts';
import './enterprises/enterprise.ts';
import './enterprises/admin-password.ts';
import './bots/bot.ts';
import './bots/bot-credential.ts';
import './bots/bot-health.ts';
import './mappings/mapping.ts';
import './messages/message.ts';
import './messages/message-event.ts';
import './messages/conversation.ts';
import './messages/usage.ts';
import './enterprises/enterprise-changes.ts';
import './bots/bot-changes.ts';
import './bots/bot-verification.ts';
import './mappings/mapping-changes.ts';
import './messages/message-changes.ts';
import './access/access-token.ts';
import './access/audit.ts';
import './access/microsoft-user.ts';
import './accounts/account-changes.ts';
import './accounts/organization-changes.ts';
import './bulk/export.ts';
import './bulk/mapping-import.ts';
import './bulk/privacy.ts';
import './webhooks/webhook-endpoint.ts';
import './webhooks/webhook-endpoint-changes.ts';
import './bots/teams-app.ts';

/** The executable schema. schema.graphql is its printed form. */
export const schema: GraphQLSchema = builder.toSchema();

assertPlannable(schema, builder.options.plugins ?? []);
