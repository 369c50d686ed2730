// Which CloudcaError an error of the network, of HTTP or of decompression becomes.
import { describe, expect, it } from '@jest/globals';
import { BadResponseError, ClientDisconnectedError } from '../../../src/cloudca/errors.js';
import { convertNetworkError } from '../../../src/cloudca/http/network-errors.js';

const message = 'canary';

describe('convertNetworkError', () => {
  it.each([
    ['Z_DATA_ERROR', 'BadResponseError'],
    ['ERR_BROTLI_INVALID_PARAM', 'BadResponseError'],
    ['ERR__ERROR_FORMAT_PADDING_1', 'BadResponseError'],
    ['ERR_ASSERTION', 'BadResponseError'],
    ['UND_ERR_HEADERS_OVERFLOW', 'BadResponseError'],
    ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'BadResponseError'],
    ['UND_ERR_HEADERS_TIMEOUT', 'TimeoutError'],
    ['UND_ERR_BODY_TIMEOUT', 'TimeoutError'],
    ['UND_ERR_SOCKET', 'UnavailableError'],
    ['UND_ERR_CLOSED', 'UnavailableError'],
    ['UND_ERR_DESTROYED', 'UnavailableError'],
    ['UND_ERR_ABORTED', 'UnavailableError'],
    ['ERR_STREAM_PREMATURE_CLOSE', 'UnavailableError'],
    ['ECONNRESET', 'UnavailableError'],
    ['EPIPE', 'UnavailableError'],
  ])('converts the code %s to %s, without the message', (code, name) => {
    const converted = convertNetworkError(Object.assign(new Error(message), { code }));
    expect(converted).toMatchObject({ name });
    expect(String(converted)).not.toContain(message);
  });

  it('converts an HTTPParserError that has no code', () => {
    const error = Object.assign(new Error(message), { name: 'HTTPParserError' });
    expect(convertNetworkError(error)).toMatchObject({ name: 'BadResponseError' });
  });

  it('converts an object that is not an Error by its code', () => {
    expect(convertNetworkError({ code: 'EPIPE' })).toMatchObject({ name: 'UnavailableError' });
  });

  it.each([
    ['a CloudcaError', new ClientDisconnectedError('gone')],
    ['a CloudcaError with a code', Object.assign(new BadResponseError('bad'), { code: 'EPIPE' })],
    ['an error of this program', Object.assign(new Error(message), { code: 'ERR_INVALID_ARG_TYPE' })],
    ['another assertion', Object.assign(new Error(message), { code: 'ERR_ASSERTION_X' })],
    ['an error of undici for an invalid argument', Object.assign(new Error(message), { code: 'UND_ERR_INVALID_ARG' })],
    ['an error without a code', new Error(message)],
    ['an error whose code is a number', Object.assign(new Error(message), { code: 1 })],
    ['null', null],
    ['undefined', undefined],
    ['a string', 'EPIPE'],
  ])('returns %s unchanged', (_, error) => {
    expect(convertNetworkError(error)).toBe(error);
  });
});
