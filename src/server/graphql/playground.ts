// The playground: the page that GET /graphql returns to browsers, and its assets. Requests that do not accept HTML go on to the GraphQL
// route.
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Options of the playground. */
export interface PlaygroundOptions {
  /** API key that the page fills in, visible to every visitor: the sandbox's key, never a real one. Undefined: none. */
  apiKey: string | undefined;
  /** Absolute path of the built playground. */
  directory: string;
}

// The assets have it too, because a worker obeys the policy of its own file. The editor adds style elements, and its style sheet has fonts
// and images as data: URLs.
const contentSecurityPolicy = [
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

const mediaTypes = new Map([
  ['.css', 'text/css; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
  ['.ttf', 'font/ttf'],
]);

/**
 * Serves the page at /graphql to requests that accept text/html, its assets below /playground/, and a redirect from / to the page. `app`
 * must be the root instance, so that the hook runs before the GraphQL route.
 */
export async function addPlayground(app: FastifyInstance, { apiKey, directory }: PlaygroundOptions): Promise<void> {
  const { page, assets } = await readBuild(directory);
  const pageWithApiKey = withApiKey(page, apiKey);

  app.addHook('onRequest', (request, reply, done) => {
    if (!acceptsPage(request)) {
      done();
      return;
    }
    void reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', contentSecurityPolicy)
      .send(pageWithApiKey);
  });

  // Relative, because a proxy may serve the gateway below a path.
  app.get('/', (_request, reply) => reply.redirect('./graphql'));

  // Looks the name up among the files read at the start, so that no path of a request reaches the file system.
  app.get<{ Params: { name: string } }>('/playground/assets/:name', (request, reply) => {
    const { name } = request.params;
    const asset = assets.get(name);
    if (!asset) {
      reply.callNotFound();
      return;
    }
    return reply
      .type(mediaTypes.get(extname(name)) ?? 'application/octet-stream')
      .header('content-security-policy', contentSecurityPolicy)
      .send(asset);
  });
}

/** Reads all files of the build, a few megabytes. */
async function readBuild(directory: string): Promise<{ page: string; assets: Map<string, Buffer> }> {
  const folder = join(directory, 'assets');
  try {
    const names = await readdir(folder);
    const assets = names.map(async (name) => [name, await readFile(join(folder, name))] as const);
    return { page: await readFile(join(directory, 'index.html'), 'utf8'), assets: new Map(await Promise.all(assets)) };
  } catch (cause) {
    throw new Error('The playground is not built. Run `npm run build` first.', { cause });
  }
}

/** Adds the key to the page as a meta element, because the policy allows no inline script. */
function withApiKey(page: string, apiKey: string | undefined): string {
  if (apiKey === undefined) return page;
  // A function, because `$` has a meaning in a replacement string.
  return page.replace('</head>', () => `  <meta name="api-key" content="${escapeHtml(apiKey)}" />\n  </head>`);
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function acceptsPage({ method, url, headers }: FastifyRequest): boolean {
  return (method === 'GET' || method === 'HEAD') && url.split('?', 1)[0] === '/graphql' && acceptsHtml(headers.accept);
}

/** Reports whether an Accept header names text/html itself: a GraphQL client that accepts any type expects no page. */
function acceptsHtml(accept = ''): boolean {
  return accept.split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    return type === 'text/html' && !parameters.some((parameter) => /^q\s*=\s*0(\.0*)?$/.test(parameter));
  });
}
