// Creates a private certificate authority and a server certificate with openssl, valid for two days.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addCleanup } from './cleanup.js';

/** Whether openssl is installed. */
export const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

/** A server certificate, and the certificate of the authority that signed it. */
export interface Certificates {
  /** Path of the authority's certificate, in PEM. */
  readonly caFile: string;
  /** The server's certificate, in PEM. */
  readonly cert: Buffer;
  /** The server's private key, in PEM. */
  readonly key: Buffer;
}

/** Creates certificates for some host names. The files are deleted after the tests of the file. */
export function createCertificates(hosts: readonly string[]): Certificates {
  const directory = mkdtempSync(join(tmpdir(), 'certificates-'));
  addCleanup(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const path = (name: string) => join(directory, name);
  const create = (name: string, ...extraArgs: string[]) => {
    const keyArgs = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      path(`${name}.key`),
    ];
    const certificateArgs = ['-x509', '-days', '2', '-subj', `/CN=${name}`, '-out', path(`${name}.pem`)];
    execFileSync('openssl', ['req', ...keyArgs, ...certificateArgs, ...extraArgs], { stdio: 'ignore' });
  };
  create('authority');
  const names = hosts.map((host) => `DNS:${host}`).join(',');
  const signedByAuthority = ['-CA', path('authority.pem'), '-CAkey', path('authority.key')];
  create('server', ...signedByAuthority, '-addext', `subjectAltName=${names}`);
  return {
    caFile: path('authority.pem'),
    cert: readFileSync(path('server.pem')),
    key: readFileSync(path('server.key')),
  };
}
