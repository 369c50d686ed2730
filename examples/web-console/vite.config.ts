// Vite configuration of the console. The build fails if the first load exceeds its limit.
import { gzipSync } from 'node:zlib';
import optimizeLocales from '@react-aria/optimize-locales-plugin';
import react from '@vitejs/plugin-react';
import { defineConfig, loadEnv, type Plugin } from 'vite';

/** Maximum size of the first load (sign-in page and VPN list), in bytes after gzip. The list loads while the user signs in. */
const maxFirstLoadBytes = 250_000;

/** Reports the gzipped size of the sign-in page, and of the sign-in page with the list. Fails the build above the limit. */
function firstLoadBudget(): Plugin {
  return {
    name: 'first-load-budget',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        const loaded = new Set<string>();
        const load = (name: string): void => {
          const file = bundle[name];
          if (file === undefined || loaded.has(name)) return;
          loaded.add(name);
          if (file.type === 'chunk') [...file.imports, ...(file.viteMetadata?.importedCss ?? [])].forEach(load);
        };
        const size = (): number =>
          [...loaded].reduce((sum, name) => {
            const file = bundle[name];
            const content = file?.type === 'chunk' ? file.code : (file?.source ?? '');
            // woff2 files are already compressed.
            return sum + (name.endsWith('.woff2') ? content.length : gzipSync(content).length);
          }, 0);

        // The HTML page, its entry chunk, and the Latin subset of the font.
        for (const [name, file] of Object.entries(bundle)) {
          if (
            name === 'index.html' ||
            /figtree-latin-wght.*\.woff2$/.test(name) ||
            ('isEntry' in file && file.isEntry)
          ) {
            load(name);
          }
        }
        const signInBytes = size();
        for (const [name, file] of Object.entries(bundle))
          if ('facadeModuleId' in file && file.facadeModuleId?.endsWith('/signed-in.tsx')) load(name);
        const firstLoadBytes = size();
        this.info(
          `first load: ${toKilobytes(signInBytes)} for the sign-in page, ${toKilobytes(firstLoadBytes)} with the list`,
        );
        if (firstLoadBytes > maxFirstLoadBytes)
          this.error(
            `The first load exceeds its limit of ${toKilobytes(maxFirstLoadBytes)}. Load code on demand, or raise the limit.`,
          );
      },
    },
  };
}

const toKilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(0)} kB`;

/**
 * Adds a Content-Security-Policy. The page can run only its own scripts and connect only to the gateway, so the API key cannot be
 * sent elsewhere.
 */
function contentSecurityPolicy(gatewayUrl: string): Plugin {
  const { origin } = new URL(gatewayUrl);
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    // React Aria inserts style elements.
    "style-src 'self' 'unsafe-inline'",
    "font-src 'self'",
    "img-src 'self'",
    `connect-src ${origin} ${origin.replace(/^http/, 'ws')}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return {
    name: 'content-security-policy',
    // In development, Vite itself inserts scripts into the page.
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
      firstLoadBudget(),
      contentSecurityPolicy(VITE_GATEWAY_URL),
    ],
    build: { assetsInlineLimit: 0, modulePreload: { polyfill: false } },
    server: { host: '127.0.0.1', port: 5173 },
    preview: { host: '127.0.0.1', port: 5173 },
  };
});
