import type { GraphQLSchema } from 'graphql';
import { assertPlannable } from '../src/execution/pothos.ts';
import { builder } from './builder.ts';
import './scalars.ts';
import './errors.ts';
import './lists.ts';
import './account.ts';
import './enterprise.ts';
import './admin-password.ts';
import './bot.ts';
import './bot-credential.ts';
import './bot-health.ts';
import './mapping.ts';
import './message.ts';
import './message-event.ts';
import './conversation.ts';
import './usage.ts';
import './enterprise-changes.ts';
import './bot-changes.ts';
import './bot-verification.ts';
import './mapping-changes.ts';
import './message-changes.ts';
import './access-token.ts';
import './audit.ts';
import './account-changes.ts';
import './organization-changes.ts';
import './export.ts';
import './mapping-import.ts';
import './privacy.ts';
import './webhook-endpoint.ts';
import './webhook-endpoint-changes.ts';
import './teams-app.ts';

/** The executable schema. schema.graphql is its printed form. */
export const schema: GraphQLSchema = builder.toSchema();

assertPlannable(schema, builder.options.plugins ?? []);
