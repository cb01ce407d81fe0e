import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core';
import type { GraphQLFieldResolver } from 'graphql';
import { DomainError } from '../src/domain/errors.ts';
import type { GraphContext } from './context.ts';

declare global {
  namespace PothosSchemaTypes {
    interface Plugins<Types extends SchemaTypes> {
      notedErrors: NotedErrors<Types>;
    }
  }
}

/**
 * Notes in the context the code of the first error that a field returns as data, so that the operation's report has it although its result has no `errors`.
 * Fields that cannot return one are left as they are. Must come after the errors plugin, whose wrapper then surrounds this one.
 */
class NotedErrors<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    { extensions }: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    if (!extensions?.pothosErrors) return resolver;
    return async (source, args, context, info) => {
      try {
        return await resolver(source, args, context, info);
      } catch (error) {
        if (error instanceof DomainError) (context as GraphContext).answeredError ??= error.code;
        throw error;
      }
    };
  }
}

export const notedErrors = 'notedErrors';
SchemaBuilder.registerPlugin(notedErrors, NotedErrors);
