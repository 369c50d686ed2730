// Generates types and documents from the gateway's schema, for the components' own operations and for the shared ones in operations/.
import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: '../../schema.graphql',
  documents: [
    'src/**/*.tsx',
    'src/**/*.ts',
    '!src/gql/**',
    // Only the shared operations that the console uses: each listed one is added to the bundle.
    ...[
      'environments',
      'create-site-to-site-vpn',
      'update-site-to-site-vpn',
      'reset-site-to-site-vpn',
      'delete-site-to-site-vpn',
      'task-updated',
      'remote-end-files',
      'fragments',
    ].map((name) => `../../operations/${name}.graphql`),
  ],
  generates: {
    'src/gql/': {
      preset: 'client',
      // The default name, `useFragment`, suggests a React hook.
      presetConfig: { fragmentMasking: { unmaskFunctionName: 'unmask' } },
      config: {
        enumsAsTypes: true,
        useTypeImports: true,
        strictScalars: true,
        scalars: { ID: 'string', DateTime: 'string', JSON: 'unknown' },
      },
    },
  },
};

export default config;
