import { GraphQLError } from 'graphql';

/** graphql's message about a variable's value: the value is followed by its position and the reason. */
const INVALID_VALUE = /^(.*) got invalid value .*?((?: at "[\w.[\]]+")?; (?:Expected|Field|Enum|Value|DateTime|[A-Z]\w* cannot) .*)$/s;

/** In characters. A name in a message may be as long as the request's body. */
const MAX_LENGTH = 500;

/** Removes the value that graphql quotes in a message: it may be a misplaced secret, and clients log messages. */
export function withoutValue(message: string): string {
  const without = message
    .replace(INVALID_VALUE, '$1 got an invalid value$2')
    .replace(/ got invalid value .*$/s, ' got an invalid value')
    .replace(/(cannot represent [^:"]*): .*$/s, '$1')
    .replace(/(Expected value of type "[^"]*"), found .*$/s, '$1.')
    .replace(/(Expected [^"]*, found|Unexpected) (String|BlockString) ".*$/s, '$1 $2.');
  return without.length > MAX_LENGTH ? `${without.slice(0, MAX_LENGTH)}…` : without;
}

/** The error with `withoutValue` of its message. */
export function withoutQuotedValue(error: GraphQLError): GraphQLError {
  return withMessage(error, withoutValue(error.message));
}

/** The error with another message. */
export function withMessage(error: GraphQLError, message: string): GraphQLError {
  if (message === error.message) return error;
  const { nodes, source, positions, path, originalError, extensions } = error;
  return new GraphQLError(message, { nodes, source, positions, path, originalError, extensions });
}
