// How Vite serves and builds the console. The build fails where a first visit would load more than it may.
import { gzipSync } from 'node:zlib';
import optimizeLocales from '@react-aria/optimize-locales-plugin';
import react from '@vitejs/plugin-react';
import { loadEnv, type Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** What a first visit may load, in bytes as they travel: the sign-in, and the list, which is on its way while one signs in. */
const FIRST_LOAD_LIMIT = 250_000;

/** Adds up what a visit loads until it can sign in, and until it sees the list, as gzip makes it; refuses too much. */
function loads(): Plugin {
  return {
    name: 'loads',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const needed = new Set<string>();
        const need = (name: string): void => {
          const part = bundle[name];
          if (part === undefined || needed.has(name)) return;
          needed.add(name);
          if (part.type === 'chunk') [...part.imports, ...(part.viteMetadata?.importedCss ?? [])].forEach(need);
        };
        const size = (): number =>
          [...needed].reduce((sum, name) => {
            const part = bundle[name];
            const content = part?.type === 'chunk' ? part.code : (part?.source ?? '');
            // A woff2 is compressed already.
            return sum + (name.endsWith('.woff2') ? content.length : gzipSync(content).length);
          }, 0);

        // The page, its entry, and the one part of the font that English is written in.
        for (const [name, part] of Object.entries(bundle)) {
          if (
            name === 'index.html' ||
            /figtree-latin-wght.*\.woff2$/.test(name) ||
            ('isEntry' in part && part.isEntry)
          ) {
            need(name);
          }
        }
        const signIn = size();
        for (const [name, part] of Object.entries(bundle))
          if ('facadeModuleId' in part && part.facadeModuleId?.endsWith('/signed-in.tsx')) need(name);
        const first = size();
        this.info(`first load: ${toKilobytes(signIn)} until one can sign in, ${toKilobytes(first)} with the list`);
        if (first > FIRST_LOAD_LIMIT) this.error(`The first load may be ${toKilobytes(FIRST_LOAD_LIMIT)}.`);
      },
    },
  };
}

const toKilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(0)} kB`;

/** Has the browser hold the page to its own scripts and to the gateway: the key that is typed in goes nowhere else. */
function contentSecurityPolicy(gatewayUrl: string): Plugin {
  const { origin } = new URL(gatewayUrl);
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    // React Aria writes style elements.
    "style-src 'self' 'unsafe-inline'",
    "font-src 'self'",
    "img-src 'self'",
    `connect-src ${origin} ${origin.replace(/^http/, 'ws')}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return {
    name: 'content-security-policy',
    // In development Vite itself writes scripts into the page.
    apply: 'build',
    transformIndexHtml: () => [
      { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: policy }, injectTo: 'head-prepend' },
    ],
  };
}

export default defineConfig(({ mode }) => {
  const { VITE_GATEWAY_URL = '' } = loadEnv(mode, import.meta.dirname);
  return {
    plugins: [
      react(),
      { ...optimizeLocales.vite({ locales: ['en-US'] }), enforce: 'pre' },
      loads(),
      contentSecurityPolicy(VITE_GATEWAY_URL),
    ],
    build: { assetsInlineLimit: 0, modulePreload: { polyfill: false } },
    server: { host: '127.0.0.1', port: 5173 },
    preview: { host: '127.0.0.1', port: 5173 },
    test: { include: ['test/**/*.test.ts'] },
  };
});
