// Texts that the attacks are made of.
import { range } from '../../helpers/fixtures.js';

/** Returns the argument `environment` with an environment of this name. */
export const inEnvironment = (name: string) => `environment: { serviceCode: "compute-on", name: "${name}" }`;
/** Joins `count` texts. */
export const repeat = (count: number, toText: (index: number) => string) => range(count).map(toText).join(' ');
/** Returns a query for fields of all VPNs of an environment. */
export const vpns = (environment: string, fields: string) =>
  `{ siteToSiteVpns(${inEnvironment(environment)}) { nodes { ${fields} } } }`;

/** Fields of a VPN that make a long result. */
export const allFields = `id name state gateway cidr ikeEncryptionAlgorithm ikeHashAlgorithm ikeDhGroup ikeLifetime espEncryptionAlgorithm
  espHashAlgorithm espPerfectForwardSecrecy espLifetime securityAdvisories { field severity message reference }`;
