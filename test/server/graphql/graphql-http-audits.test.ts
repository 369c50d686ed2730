// The audits of the GraphQL over HTTP specification, one test each, against a running gateway.
import { describe, expect, it } from '@jest/globals';
import { serverAudits } from 'graphql-http';
import { startGateway } from '../../helpers/gateway.js';

// The contract requires 400 for any Accept header, as Apollo Server returns, so that monitoring sees a broken client. The specification
// recommends 200 for application/json, for clients that take any other status for a network failure.
const failedAudits = new Map([
  ['572B', 'a document with a syntax error'],
  ['FDE2', 'an invalid document'],
  ['7B9B', 'invalid variables'],
]);

const gateway = await startGateway();

// GET requires a header that a simple cross-site request cannot have.
const fetchFn = (url: string, init: RequestInit = {}) => {
  const headers = new Headers(init.headers);
  headers.set('apollo-require-preflight', 'true');
  return fetch(url, { ...init, headers });
};

const audits = serverAudits({ url: gateway.url, fetchFn });

describe('/graphql', () => {
  const passedAudits = audits.filter(({ id }) => !failedAudits.has(id));

  it.each(passedAudits)('passes audit $id: $name', async ({ fn }) => {
    const result = await fn();

    expect([result.status, 'reason' in result ? result.reason : undefined]).toEqual(['ok', undefined]);
  });

  it.each([...failedAudits])('fails audit %s, because it returns 400 for %s', async (id) => {
    const result = await audits.find((audit) => audit.id === id)?.fn();

    expect(result).toMatchObject({
      status: 'warn',
      reason: 'Response status code is not 200',
      response: { status: 400 },
    });
  });

  it('runs all audits', () => {
    expect(audits.length).toBeGreaterThan(50);
    expect(passedAudits).toHaveLength(audits.length - failedAudits.size);
  });
});
