// The lint rules: the type-checked set of typescript-eslint, the arrows of ARCHITECTURE.md, and the rules for schema and operations.
import js from '@eslint/js';
import graphql from '@graphql-eslint/eslint-plugin';
import jsdoc from 'eslint-plugin-jsdoc';
import tseslint from 'typescript-eslint';

/** Forbids imports by pattern in some files. The last entry for a file replaces the ones before it. */
const forbid = (files, ...patterns) => ({
  files,
  rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
});

/** Forbids relative imports that pass through one of the folders. */
const notFrom = (message, ...folders) => ({ regex: `^\\.{1,2}/(.*/)?(${folders.join('|')})/`, message });

const gateway = {
  regex: '/(cloudca|graph|server)/|/(config|environment-variables|json|main)\\.js$',
  message: 'The sandbox shares no code with the gateway, so that both cannot be wrong together.',
};
const sandbox = notFrom('Only main and tests import the sandbox.', 'sandbox');
const config = {
  regex: '/(config|environment-variables)\\.js$',
  message: 'Configuration is passed on as values.',
  allowTypeImports: true,
};
const main = { regex: '/main\\.js$', message: 'No module imports main.' };

const cloudca = [
  notFrom('cloudca knows the REST API and nothing of its users.', 'graph', 'server'),
  {
    regex: '^(graphql|type-graphql|graphql-scalars|@apollo/.*|fastify|@fastify/.*|dataloader)$',
    message: 'cloudca knows nothing of GraphQL or the server.',
  },
  {
    regex: '^undici$',
    importNames: ['fetch', 'FormData', 'Headers', 'Request', 'Response'],
    message: "ky uses Node's classes, and undici accepts only its own.",
  },
  sandbox,
  config,
  main,
];

const graph = [
  notFrom('The graph knows nothing of the server.', 'server'),
  { regex: '^(ky|undici|fastify|@fastify/.*|@apollo/.*)$', message: 'Resolvers never do HTTP.' },
  sandbox,
  config,
  main,
];
const types = ['environment', 'vpc', 'task', 'site-to-site-vpn'];
const notFromTypes = (...folders) =>
  notFrom('A field that leads the other way belongs in the folder of the type that it leads to.', ...folders);

const server = [
  { regex: '^ky$', message: 'ky belongs to cloudca.' },
  { regex: '/(app|ops-app)\\.js$', message: 'The applications import the folders of the server, not the reverse.' },
  sandbox,
  config,
  main,
];
/** The folders of the server: each may import those after it. */
const serverFolders = ['subscriptions', 'graphql', 'admission', 'http', 'telemetry'];

export default tseslint.config(
  // These have their own packages and checks.
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
      // Classes here are the shapes of GraphQL types; an object literal of that shape serves as well.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // type-graphql reads the arguments of a field from the parameters, used or not.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-console': 'error',
    },
  },
  {
    files: ['src/**', 'playground/**'],
    plugins: { jsdoc },
    rules: {
      // A description in a decorator is for the clients of the schema, a doc comment for maintainers.
      'jsdoc/require-jsdoc': [
        'error',
        {
          publicOnly: true,
          enableFixer: false,
          contexts: ['VariableDeclaration', 'TSInterfaceDeclaration', 'TSTypeAliasDeclaration'].map(
            (declaration) => `ExportNamedDeclaration > ${declaration}`,
          ),
          require: { ClassDeclaration: true, FunctionDeclaration: true },
        },
      ],
    },
  },
  {
    files: ['src/**'],
    ignores: ['src/config.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only config.ts reads the environment.' },
      ],
    },
  },
  forbid(['src/{json,turns}.ts'], { regex: '^\\.', message: 'Every layer imports these, so they import none.' }),
  forbid(['src/cloudca/*.ts'], ...cloudca, notFrom('Polling uses the collections, not the reverse.', 'polling')),
  forbid(['src/cloudca/http/**'], ...cloudca, {
    regex: '^\\.\\./(?!errors\\.js$|\\.\\./json\\.js$)',
    message: 'cloudca/http knows HTTP and the errors, and nothing of what is called.',
  }),
  forbid(['src/cloudca/polling/**'], ...cloudca),
  forbid(['src/graph/*.ts', 'src/graph/{execution,limits}/**'], ...graph, notFromTypes(...types)),
  forbid(['src/graph/remote-end/**'], ...graph, notFromTypes(...types), {
    regex: '^(graphql|type-graphql)$',
    message: 'The files for the remote end are made without GraphQL.',
  }),
  // The schema, the context and the subgraph put the types together.
  forbid(['src/graph/{schema,context}.ts', 'src/graph/{federation,site-to-site-vpn}/**'], ...graph),
  // Inside the graph: site-to-site-vpn → task, vpc → environment.
  forbid(['src/graph/environment/**'], ...graph, notFromTypes('vpc', 'task', 'site-to-site-vpn')),
  forbid(['src/graph/vpc/**'], ...graph, notFromTypes('task', 'site-to-site-vpn')),
  forbid(['src/graph/task/**'], ...graph, notFromTypes('vpc', 'site-to-site-vpn')),
  forbid(['src/server/*.ts'], { regex: '^ky$', message: 'ky belongs to cloudca.' }, sandbox, config, main),
  ...serverFolders.map((folder, index) => {
    const arrows = serverFolders.slice(0, index);
    const back = notFrom(`${folder} is below ${arrows.join(', ')}.`, ...arrows);
    return forbid([`src/server/${folder}/**`], ...server, ...(index === 0 ? [] : [back]));
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
      ...graphql.configs['flat/schema-all'].rules,
      ...graphql.configs['flat/schema-relay'].rules,
      // These have no identity of their own: an Apollo or urql cache embeds them in their parent.
      '@graphql-eslint/strict-id-in-types': [
        'error',
        {
          exceptions: {
            suffixes: ['Payload', 'Connection', 'Edge'],
            types: [
              'EnvironmentScope',
              'PageInfo',
              'NetworkOverlap',
              'RemoteEnd',
              'RemoteEndCheck',
              'RemoteEndFile',
              'SecurityAdvisory',
              'TaskError',
              'UnknownValue',
              'UserError',
            ],
          },
        },
      ],
      // Fields have the REST API's names, e.g. vpcOfferingId.
      '@graphql-eslint/no-typename-prefix': 'off',
      // The schema is printed in the order of graphql-js, by code units, which `npm run schema -- --check` enforces.
      '@graphql-eslint/alphabetize': 'off',
      '@graphql-eslint/input-name': ['error', { checkInputType: true, caseSensitiveInputType: false }],
      // Apps write and subscribe.
      '@graphql-eslint/no-root-type': 'off',
      // graphql-js's @deprecated has no argument for a date.
      '@graphql-eslint/require-deprecation-date': 'off',
      // A payload has what the write may change. Any other read below it would escape the limits and the cost of a query.
      '@graphql-eslint/require-field-of-type-query-in-mutation-result': 'off',
      // These take ServiceConnection, a type of the REST API, for a connection. createConnectionType makes all connections alike.
      '@graphql-eslint/relay-connection-types': 'off',
      // An event of siteToSiteVpnsUpdated has the whole list, so that subscription has no arguments for pages.
      '@graphql-eslint/relay-arguments': 'off',
      '@graphql-eslint/relay-edge-types': [
        'error',
        {
          withEdgeSuffix: true,
          // An object is loaded from its environment, which the single id of Query.node could not name.
          shouldImplementNode: false,
          // Connections have nodes beside edges, and short lists, e.g. userErrors, have no pages.
          listTypeCanWrapOnlyEdgeType: false,
        },
      ],
    },
  },
  { files: ['operations/*.graphql'], rules: graphql.configs['flat/operations-recommended'].rules },
);
