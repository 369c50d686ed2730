// The playground: the page that GET /graphql answers a browser with, and its assets. It knows files and the Accept header,
// and nothing of GraphQL: whatever does not ask for a page goes on to the GraphQL route.
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** What the playground is made of. */
export interface PlaygroundOptions {
  /** The key that the page fills in, for every visitor to see: the sandbox's, never a real one. */
  apiKey: string | undefined;
  /** Absolute path of the built playground. */
  directory: string;
}

// A worker is held to the policy of its own file, so the assets carry it as well.
// The editor writes style elements, and its fonts and some images are data: in its style sheet.
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self' data:",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const MEDIA_TYPES = new Map([
  ['.css', 'text/css; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
  ['.ttf', 'font/ttf'],
]);

/**
 * Serves the playground: the page at /graphql for who asks for text/html, its assets below /playground/, and a way to it
 * from /. Wants the root instance, as its hook stands before the GraphQL route.
 */
export async function addPlayground(app: FastifyInstance, { apiKey, directory }: PlaygroundOptions): Promise<void> {
  const { page, assets } = await readBuild(directory);
  const pageWithApiKey = withApiKey(page, apiKey);

  app.addHook('onRequest', (request, reply, done) => {
    if (!asksForPage(request)) {
      done();
      return;
    }
    void reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', CONTENT_SECURITY_POLICY)
      .send(pageWithApiKey);
  });

  app.get('/', (_request, reply) => reply.redirect('/graphql'));

  // Found by name among those that were read: no path of the caller's ever reaches the file system.
  app.get<{ Params: { name: string } }>('/playground/assets/:name', (request, reply) => {
    const { name } = request.params;
    const asset = assets.get(name);
    if (!asset) {
      reply.callNotFound();
      return;
    }
    return reply
      .type(MEDIA_TYPES.get(extname(name)) ?? 'application/octet-stream')
      .header('content-security-policy', CONTENT_SECURITY_POLICY)
      .send(asset);
  });
}

/** All that was built, a few megabytes, read once. */
async function readBuild(directory: string): Promise<{ page: string; assets: Map<string, Buffer> }> {
  const folder = join(directory, 'assets');
  try {
    const names = await readdir(folder);
    const assets = names.map(async (name) => [name, await readFile(join(folder, name))] as const);
    return { page: await readFile(join(directory, 'index.html'), 'utf8'), assets: new Map(await Promise.all(assets)) };
  } catch (cause) {
    throw new Error('The playground is not built: run `npm run build` first.', { cause });
  }
}

/** The page with the key in its head, as data: the policy allows no inline script. */
function withApiKey(page: string, apiKey: string | undefined): string {
  if (apiKey === undefined) return page;
  // A function, as a text would have its $ read as patterns.
  return page.replace('</head>', () => `  <meta name="api-key" content="${escapeHtml(apiKey)}" />\n  </head>`);
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function asksForPage({ method, url, headers }: FastifyRequest): boolean {
  return (method === 'GET' || method === 'HEAD') && url.split('?', 1)[0] === '/graphql' && namesHtml(headers.accept);
}

/** Whether an Accept header names text/html itself: a GraphQL client that takes anything at all wants no page. */
function namesHtml(accept = ''): boolean {
  return accept.split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    return type === 'text/html' && !parameters.some((parameter) => /^q\s*=\s*0(\.0*)?$/.test(parameter));
  });
}
