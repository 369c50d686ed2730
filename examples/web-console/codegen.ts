// Types and documents of what the components ask for, made from the gateway's own schema: in words of their own, or by the operations that
// the gateway has for all apps.
import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: '../../schema.graphql',
  documents: [
    'src/**/*.tsx',
    'src/**/*.ts',
    '!src/gql/**',
    // Those that are used here: each that is named comes into the bundle.
    ...[
      'environments',
      'site-to-site-vpns-updated',
      'create-site-to-site-vpn',
      'reset-site-to-site-vpn',
      'delete-site-to-site-vpn',
      'task-updated',
      'fragments',
    ].map((name) => `../../operations/${name}.graphql`),
  ],
  generates: {
    'src/gql/': {
      preset: 'client',
      // Not `useFragment`: it is no hook.
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
