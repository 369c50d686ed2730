// Bundles the gateway into dist/main.js, so a process starts by reading one file instead of a thousand.
// Usage: node scripts/build.js [entry] [outfile]
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { external } from './external.js';

// ky reads the Fetch API classes from `globalThis`. The build replaces them with lighter ones (src/cloudca/http/ky-platform.ts).
const kyOnPlatform = {
  name: 'ky-on-platform',
  setup({ onLoad }) {
    const platform = JSON.stringify(join(import.meta.dirname, '../src/cloudca/http/ky-platform.ts'));
    onLoad({ filter: /[\\/]ky[\\/]distribution[\\/].*\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (path.endsWith('Ky.js') && !text.includes('new globalThis.Request('))
        throw new Error(
          'Ky.js does not contain `new globalThis.Request(`. Adapt kyOnPlatform in scripts/build.js to the installed version of ky.',
        );
      return { contents: `import { platform } from ${platform};\n${text.replace(/\bglobalThis\b/g, 'platform')}` };
    });
  },
};

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
  plugins: [kyOnPlatform, graphqlAsModules],
  // CommonJS packages in the bundle load Node's built-in modules with `require`.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  logLevel: 'warning',
});
