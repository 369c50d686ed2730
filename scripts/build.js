// Bundles the gateway into dist/main.js, so a process starts by reading one file instead of a thousand.
// Usage: node scripts/build.js [entry] [outfile]
import { join } from 'node:path';
import { build } from 'esbuild';
import { external } from './external.js';

// Some packages import graphql and others require it, which would bundle two copies. This plugin gives all of them the ES modules. Their
// exports are bound at build time, while a property of a required module is looked up at each use.
const graphqlAsModules = {
  name: 'graphql-as-modules',
  setup({ onResolve }) {
    onResolve({ filter: /^graphql(\/|$)/ }, ({ path }) => {
      const file = path === 'graphql' ? 'graphql/index' : path.replace(/\.m?js$/, '');
      return { path: join(import.meta.dirname, '../node_modules', `${file}.mjs`) };
    });
  },
};

const [entry = 'src/main.ts', outfile = 'dist/main.js'] = process.argv.slice(2);

await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  // Minified to half the size, which loads faster. Identifiers are kept, because errors and GraphQL types are recognised by class name.
  // `keepNames` would also preserve them, but it defines the name of every closure each time the closure is created.
  minifyWhitespace: true,
  minifySyntax: true,
  // If an `assert` of a package fails, Node parses the source from there to quote it. If everything is on one line, that takes seconds.
  lineLimit: 200,
  sourcemap: 'linked',
  sourcesContent: false,
  external,
  // The package calls `module.require('crypto')` at each use. In the bundle, `module.require` is missing and it would fall back to sha.js.
  alias: { '@apollo/utils.createhash': 'node:crypto' },
  plugins: [graphqlAsModules],
  // CommonJS packages in the bundle load Node's built-in modules with `require`.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  logLevel: 'warning',
});
