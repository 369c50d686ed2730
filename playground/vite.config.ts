// How Vite makes static files of the page, for the gateway to serve under /playground/. Knows no server.
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  base: '/playground/',
  logLevel: 'error',
  build: {
    outDir: '../dist/playground',
    emptyOutDir: true,
    // The editor is one large chunk and is meant to be.
    chunkSizeWarningLimit: Number.POSITIVE_INFINITY,
    reportCompressedSize: false,
    modulePreload: { polyfill: false },
    // GraphiQL makes the labels of its icons of the names of functions.
    rolldownOptions: { output: { keepNames: true } },
  },
});
