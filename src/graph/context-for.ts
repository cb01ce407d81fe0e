import type { ClientInterest } from '../admission/client-interest.ts';
import type { Caller } from '../domain/caller.ts';
import type { OperationContext } from '../execution/run.ts';

/**
 * Makes the resolvers' context for one operation.
 * @param interest its client's; absent: somebody always waits
 * @param resumeFrom the cursor after which a subscription resumes
 */
export type ContextFor = (caller: Caller, interest?: ClientInterest, resumeFrom?: string) => OperationContext;
