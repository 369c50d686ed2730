// Builds the gateway into one file, dist/main.js: what a process needs to start is read and found at once, instead of in a thousand files.
// What else is to be built in the same way is given, with the file that it is built into.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { external } from './external.js';

// ky takes the classes of the Fetch standard off `globalThis`: it is given lighter ones in its place (src/cloudca/http/ky-platform.ts).
const kyOnPlatform = {
  name: 'ky-on-platform',
  setup({ onLoad }) {
    const platform = JSON.stringify(join(import.meta.dirname, '../src/cloudca/http/ky-platform.ts'));
    onLoad({ filter: /[\\/]ky[\\/]distribution[\\/].*\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (path.endsWith('Ky.js') && !text.includes('new globalThis.Request('))
        throw new Error('ky no longer takes Request off globalThis, where the build puts a lighter one.');
      return { contents: `import { platform } from ${platform};\n${text.replace(/\bglobalThis\b/g, 'platform')}` };
    });
  },
};

// Of graphql, packages ask in two ways: by import and by require, which would be two graphqls. All get its ES modules: what is imported from
// them is known at build time, while what is taken off an object of require's is looked up at each use.
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
  // Half the size is read in less time. Identifiers stay as they are: errors and the schema's types are told by the names of their classes.
  // `keepNames` would keep them for certain, by defining the name of every closure anew each time that one is made.
  minifyWhitespace: true,
  minifySyntax: true,
  // Where an assertion of a package fails, Node parses the source from there on to quote it: for seconds, where all is on one line.
  lineLimit: 200,
  sourcemap: 'linked',
  sourcesContent: false,
  external,
  // It would ask for Node's hashes anew at each use, and only where `module` is Node's.
  alias: { '@apollo/utils.createhash': 'node:crypto' },
  plugins: [kyOnPlatform, graphqlAsModules],
  // Packages that are not ES modules still ask for Node's own by require.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  logLevel: 'warning',
});
