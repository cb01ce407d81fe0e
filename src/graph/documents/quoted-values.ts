import { GraphQLError } from 'graphql';

/** What follows the value in GraphQL's own message about a variable: where it is, and what is wrong with it. */
const BEHIND_VALUE = /^(.*) got invalid value .*?((?: at "[\w.[\]]+")?; (?:Expected|Field|Enum|Value|DateTime|[A-Z]\w* cannot) .*)$/s;

/** GraphQL's own message about a value without the value: it may be a secret that stands in a wrong place, and goes into logs on its way. */
export function withoutValue(message: string): string {
  const without = message
    .replace(BEHIND_VALUE, '$1 got an invalid value$2')
    .replace(/ got invalid value .*$/s, ' got an invalid value')
    .replace(/(cannot represent [^:"]*): .*$/s, '$1')
    .replace(/(Expected value of type "[^"]*"), found .*$/s, '$1.')
    .replace(/(Expected [^"]*, found|Unexpected) (String|BlockString) ".*$/s, '$1 $2.');
  return without.length > LONGEST ? `${without.slice(0, LONGEST)}…` : without;
}

/** Names may be as long as the body; nobody reads them to their end. */
const LONGEST = 500;

/** The same error with such a message. */
export function withoutQuotedValue(error: GraphQLError): GraphQLError {
  const message = withoutValue(error.message);
  if (message === error.message) return error;
  const { nodes, source, positions, path, originalError, extensions } = error;
  return new GraphQLError(message, { nodes, source, positions, path, originalError, extensions });
}
