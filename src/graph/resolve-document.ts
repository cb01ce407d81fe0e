import { GraphQLError } from 'graphql';
import { publishRefusedDocument } from '../execution/refused-documents.ts';
import { type DocumentReference, NOT_SUPPORTED, type TrustedDocuments } from './documents/trusted-documents.ts';

/**
 * Finds the text of a request's document, and publishes a refusal: no operation runs that would be reported. Clients which only ask whether documents can be
 * added (APQ) send the text next.
 * @throws GraphQLError, as `TrustedDocuments.resolve` does
 */
export function resolveDocument(trusted: TrustedDocuments, reference: DocumentReference): string | undefined {
  try {
    return trusted.resolve(reference);
  } catch (error) {
    if (error instanceof GraphQLError && error.extensions.code !== NOT_SUPPORTED) publishRefusedDocument([error], 'BAD_REQUEST');
    throw error;
  }
}
