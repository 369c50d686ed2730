// Which parameters of a URL count as absent.
import { describe, expect, it } from '@jest/globals';
import { removeEmptyParameters } from '../../../src/server/http/request-json.js';

describe('removeEmptyParameters', () => {
  it.each([
    ['/graphql', '/graphql'],
    ['/graphql&variables=', '/graphql&variables='],
    ['/graphql?query={a}&variables={}', '/graphql?query={a}&variables={}'],
    ['/graphql?variables=&extensions&query={a}', '/graphql?query={a}'],
    ['/graphql?query={a}&operationName=&id=1', '/graphql?query={a}&id=1'],
    ['/graphql?query={a}&variables=', '/graphql?query={a}&'],
    ['/graphql?query=?variables=', '/graphql?query=?variables='],
    ['/graphql?query=variables=&myvariables=', '/graphql?query=variables=&myvariables='],
  ])('turns %s into %s', (url, expected) => {
    expect(removeEmptyParameters(url)).toBe(expected);
  });
});
