import { initGraphQLTada } from 'gql.tada';
// biome-ignore lint/style/noRestrictedImports: generated from the schema, in no room
import type { introspection } from '../__generated__/introspection.d.ts';

/**
 * Types a document by the schema. The build replaces each call with the document's id (console.config.mjs), so this never runs: the gateway knows
 * the text.
 */
export const graphql = /* @__PURE__ */ initGraphQLTada<{ introspection: introspection; scalars: { DateTime: string } }>();
