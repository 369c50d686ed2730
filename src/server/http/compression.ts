// Compression of responses.
import compress from '@fastify/compress';
import type { FastifyInstance } from 'fastify';
import { maxParsedLength } from './request-checks.js';

/** Compresses responses of 1 KiB or more with brotli (RFC 7932) or gzip. Event streams stay uncompressed, so that each event is sent at once. */
export async function addCompression(app: FastifyInstance): Promise<void> {
  app.addHook('onSend', ({ headers }, _reply, _payload, done) => {
    // The plugin parses the header for every response, also for those that reject it.
    if ((headers['accept-encoding']?.length ?? 0) > maxParsedLength) delete headers['accept-encoding'];
    done();
  });
  await app.register(compress, {
    // At the plugin's default quality of 4, brotli compresses better than gzip in the same time.
    encodings: ['br', 'gzip'],
    // Compressed request bodies are rejected: their decompressed size cannot be limited before they are read.
    globalDecompression: false,
  });
}
