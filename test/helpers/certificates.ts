// A certificate authority that nobody knows, and a certificate by it: made by openssl, for two days.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd } from './at-end.js';

/** Whether there is an openssl to make them with. */
export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

/** A server's certificate, and the one of who has signed it. */
export interface Certificates {
  /** File of the authority's certificate. */
  readonly authority: string;
  /** PEM of the server's own certificate and key. */
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Makes them for some host names; the files go with the file's tests. */
export function createCertificates(hosts: readonly string[]): Certificates {
  const directory = mkdtempSync(join(tmpdir(), 'certificates-'));
  atEnd(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const path = (name: string) => join(directory, name);
  const make = (name: string, ...more: string[]) => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', path(`${name}.key`)];
    const own = ['-x509', '-days', '2', '-subj', `/CN=${name}`, '-out', path(`${name}.pem`)];
    execFileSync('openssl', ['req', ...key, ...own, ...more], { stdio: 'ignore' });
  };
  make('authority');
  const names = hosts.map((host) => `DNS:${host}`).join(',');
  const by = ['-CA', path('authority.pem'), '-CAkey', path('authority.key')];
  make('server', ...by, '-addext', `subjectAltName=${names}`);
  return {
    authority: path('authority.pem'),
    cert: readFileSync(path('server.pem')),
    key: readFileSync(path('server.key')),
  };
}
