// The lint rules. Besides the type-checked set they keep the arrows of ARCHITECTURE.md:
// main → server → graph → cloudca, and a sandbox that shares nothing with the gateway.
import js from '@eslint/js';
import graphql from '@graphql-eslint/eslint-plugin';
import tseslint from 'typescript-eslint';

/** Forbids imports by pattern in some files; each group says why. */
const forbid = (files, ...patterns) => ({
  files,
  rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
});

const gateway = {
  regex: '/(cloudca|graph|server)/|/(config|main)\\.js$',
  message: 'The sandbox shares nothing with the gateway, so that both cannot be wrong together.',
};
const sandbox = { regex: '/sandbox/', message: 'Only main and tests import the sandbox.' };
const config = { regex: '/config\\.js$', message: 'Configuration is passed on as values.', allowTypeImports: true };
const main = { regex: '/main\\.js$', message: 'Nothing imports main.' };

const graph = [
  { regex: '/server/', message: 'The graph knows nothing of the server.' },
  { regex: '^(ky|undici|fastify|@fastify/.*|@apollo/.*)$', message: 'Resolvers never do HTTP.' },
  sandbox,
  config,
  main,
];

/** Forbids what lies in other folders of the graph. */
const notFrom = (...folders) => ({
  regex: `/(${folders.join('|')})/`,
  message: 'A field that leads the other way stands in the folder of what it leads to.',
});

export default tseslint.config(
  // These have packages and a check of their own.
  { ignores: ['dist/', 'bench/', 'examples/'] },
  {
    files: ['**/*.{js,ts,tsx}'],
    extends: [js.configs.recommended, ...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['playground/*.js', 'scripts/*.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/no-restricted-imports': ['error', { patterns: [main] }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true, allowEmpty: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'never' }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // Classes here are the shapes of GraphQL's types; object literals of such a shape are as good.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // type-graphql reads the arguments of a field off the parameters, used or not.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-console': 'error',
    },
  },
  {
    files: ['src/**'],
    ignores: ['src/config.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'config.ts is its one reader.' },
      ],
    },
  },
  forbid(
    ['src/cloudca/**'],
    { regex: '/(graph|server)/', message: 'cloudca knows the REST API and nothing of what stands on it.' },
    {
      regex: '^(graphql|type-graphql|graphql-scalars|@apollo/.*|fastify|@fastify/.*|dataloader)$',
      message: 'cloudca knows nothing of GraphQL or the server.',
    },
    {
      regex: '^undici$',
      importNames: ['fetch', 'FormData', 'Headers', 'Request', 'Response'],
      message: 'ky makes those of Node itself, and undici takes none but its own.',
    },
    sandbox,
    config,
    main,
  ),
  forbid(['src/graph/**'], ...graph),
  // Inside the graph: site-to-site-vpn → task, vpc → environment.
  forbid(['src/graph/environment/**'], ...graph, notFrom('vpc', 'task', 'site-to-site-vpn')),
  forbid(['src/graph/vpc/**'], ...graph, notFrom('task', 'site-to-site-vpn')),
  forbid(['src/graph/task/**'], ...graph, notFrom('vpc', 'site-to-site-vpn')),
  forbid(['src/server/**'], { regex: '^ky$', message: 'ky belongs to cloudca.' }, sandbox, main, {
    ...config,
    allowTypeImports: true,
  }),
  forbid(['src/sandbox/**'], gateway),
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
  {
    files: ['schema.graphql', 'operations/*.graphql'],
    plugins: { '@graphql-eslint': graphql },
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: 'schema.graphql', documents: 'operations/*.graphql' } },
    },
  },
  {
    files: ['schema.graphql'],
    rules: {
      ...graphql.configs['flat/schema-recommended'].rules,
      // These are parts of what holds them: an Apollo or urql cache keeps them there.
      '@graphql-eslint/strict-id-in-types': [
        'error',
        {
          exceptions: {
            suffixes: ['Payload', 'Connection', 'Edge'],
            types: ['EnvironmentScope', 'PageInfo', 'SecurityAdvisory', 'TaskError', 'UnknownValue', 'UserError'],
          },
        },
      ],
      // Fields are called what the REST API calls them: vpcOfferingId.
      '@graphql-eslint/no-typename-prefix': 'off',
    },
  },
  { files: ['operations/*.graphql'], rules: graphql.configs['flat/operations-recommended'].rules },
);
