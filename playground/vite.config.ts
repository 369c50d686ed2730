// Vite configuration: builds the page into static files, which the gateway serves under /playground/, and the page itself at /graphql.
// All addresses are relative, because the gateway may be below a path of its proxy.
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  logLevel: 'error',
  experimental: {
    renderBuiltUrl: (fileName, { hostType }) => (hostType === 'html' ? `./playground/${fileName}` : { relative: true }),
  },
  build: {
    outDir: '../dist/playground',
    emptyOutDir: true,
    // The editor is deliberately one large chunk, so the size warning is off.
    chunkSizeWarningLimit: Number.POSITIVE_INFINITY,
    reportCompressedSize: false,
    modulePreload: { polyfill: false },
    // GraphiQL derives its icons' labels from function names.
    rolldownOptions: { output: { keepNames: true } },
  },
});
