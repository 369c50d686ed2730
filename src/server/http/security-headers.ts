// The security headers of every response: those that helmet sets, and that no cache may store it.
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';

/** Security headers of every response, by name. The playground replaces the content security policy. */
export const securityHeaders: Readonly<Record<string, string>> = collect();

// helmet is a middleware: it would compute the same headers for every response. This runs it once.
function collect(): Record<string, string> {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  const setHeaders = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    crossOriginResourcePolicy: { policy: 'cross-origin' },
    // The proxy that terminates TLS must set this header.
    strictTransportSecurity: false,
    // These concern obsolete browsers, or protect neither JSON nor the playground. Without them, every response is smaller.
    originAgentCluster: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
  });
  setHeaders(request, response, (error) => {
    if (error !== undefined) throw new TypeError('helmet could not set the security headers.', { cause: error });
  });
  // Responses may contain secrets.
  response.setHeader('cache-control', 'no-store');
  return Object.fromEntries(Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]));
}
