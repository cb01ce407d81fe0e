import { GraphQLError } from 'graphql';

/** With the value `include`, a request asks what its operation costs. */
export const COST_HEADER = 'x-graphql-cost';

/** Whether the header's value asks for the cost, or the value of that name among a WebSocket's parameters. */
export const asksForCost = (value: unknown): boolean => typeof value === 'string' && value.trim().toLowerCase() === 'include';

/** Adds the cost to the extensions of errors, for a message of graphql-transport-ws that has no other place for it. */
export const errorsWithCost = (errors: readonly GraphQLError[], cost: object | undefined): readonly GraphQLError[] =>
  cost
    ? errors.map(({ message, nodes, source, positions, path, originalError, extensions }) => {
        return new GraphQLError(message, { nodes, source, positions, path, originalError, extensions: { ...extensions, cost } });
      })
    : errors;
