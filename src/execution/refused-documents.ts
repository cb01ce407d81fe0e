import { channel } from 'node:diagnostics_channel';
import type { GraphQLError } from 'graphql';

/** Documents that were refused before their operation ran. They are no operations yet, so no report of one counts them. */
const refused = channel('teams-sms-gateway.refused-documents');

/** Publishes the refusal of a document, by the code of its first error. */
export function publishRefusedDocument([error]: readonly GraphQLError[], otherwise: string): void {
  if (error && refused.hasSubscribers) refused.publish(error.extensions.code ?? otherwise);
}

/** Calls a function with the code of each refusal from now on. It must not throw. @returns a function that ends this */
export function onRefusedDocument(observe: (code: string) => void): () => void {
  const listener = (code: unknown) => observe(String(code));
  refused.subscribe(listener);
  return () => void refused.unsubscribe(listener);
}
