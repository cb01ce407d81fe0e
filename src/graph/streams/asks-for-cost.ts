/** With the value `include`, a request asks what its operation costs. */
export const COST_HEADER = 'x-graphql-cost';

/** Whether the header's value asks for the cost, or the value of that name among a WebSocket's parameters. */
export const asksForCost = (value: unknown): boolean => typeof value === 'string' && value.trim().toLowerCase() === 'include';
