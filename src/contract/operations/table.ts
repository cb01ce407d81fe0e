import { bots } from './bots.ts';
import { enterprises } from './enterprises.ts';
import { mappings } from './mappings.ts';
import { messages } from './messages.ts';
import type { Operation } from './operation.ts';

/** The contract's 17 operations (REST.md, Operations). The router, the GraphQL documents, the responses and OpenAPI follow from it. */
export const table: readonly Operation[] = [...enterprises, ...mappings, ...bots, ...messages];
