import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: '../../schema/schema.graphql',
  documents: 'codegen/operations.ts',
  generates: {
    'codegen/__generated__/': { preset: 'client', config: { scalars: { DateTime: 'string' }, useTypeImports: true } },
  },
};
export default config;
