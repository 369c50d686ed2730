// The forms in which a REST response may repeat a secret, and the time that long texts take.
import { describe, expect, it } from '@jest/globals';
import { findNamedPreSharedKeys, Secrets } from '../../src/cloudca/redact.js';

const secret = 'Zq3v"N8\\wL/é+x=';
const secrets = new Secrets([secret, 'short']);
const toUnicodeEscapes = (text: string) =>
  Array.from({ length: text.length }, (_, index) => `\\u${text.charCodeAt(index).toString(16).padStart(4, '0')}`).join(
    '',
  );
const inJson = (value: unknown) => JSON.stringify(value);

describe('Secrets.redact', () => {
  it.each([
    ['as it is', secret],
    ['in a JSON text', inJson({ a: secret })],
    ['in a JSON text in a JSON text', inJson({ a: inJson({ b: secret }) })],
    ['in three JSON texts', inJson({ a: inJson({ b: inJson([secret]) }) })],
    ['with escaped slashes', inJson(secret).replaceAll('/', '\\/')],
    ['with characters as \\uXXXX', inJson(secret).replace('=', '\\u003d').replace('+', '\\u002B')],
    ['as \\uXXXX alone', toUnicodeEscapes(secret)],
    ['URL-encoded', `https://a.example/?k=${encodeURIComponent(secret)}&b`],
    [
      'URL-encoded in lower case',
      encodeURIComponent(secret).toLowerCase().replace('zq3v', 'Zq3v').replace('n8', 'N8').replace('wl', 'wL'),
    ],
    ['in a form', new URLSearchParams({ k: secret }).toString()],
  ])('replaces a secret %s', (_form, text) => {
    const redacted = secrets.redact(text);
    expect(redacted).toContain('[secret]');
    for (const part of ['Zq3v', 'N8', 'wL', '0038']) expect(redacted).not.toContain(part);
  });

  it.each(['base64', 'base64url'] as const)('replaces a secret in %s, at every offset in a longer text', (encoding) => {
    for (const value of [secret, 'Qk7vXc2nTestKeyOfTheCaller', 'ÿþýÿþýÿþý???>>>']) {
      for (let before = 0; before < 6; before++) {
        const prefix = 'key:::'.slice(0, before);
        const encoded = Buffer.from(`${prefix}${value}, end of it`).toString(encoding);
        const redacted = new Secrets([value]).redact(`<${encoded}>`);
        expect(redacted).toMatch(/^<[\w+/-]*\[secret\][\w+/=-]*>$/);
        // What is left encodes no more than the text before and after the secret.
        const [head = '', tail = ''] = redacted.slice(1, -1).split('[secret]');
        expect(encoded.startsWith(head) && encoded.endsWith(tail)).toBe(true);
        expect(head.length).toBeLessThanOrEqual((before * 8) / 6);
        expect(tail.replaceAll('=', '').length).toBeLessThanOrEqual(Math.ceil((', end of it'.length * 8) / 6));
      }
    }
  });

  it('keeps the text if a secret consists of escapes alone', () => {
    expect(new Secrets(['\\'.repeat(8), '%5C%5C%5C']).redact('a\\\\b%5C\\u005cc')).toBe('a\\\\b%5C\\u005cc');
  });

  it('replaces the longest of secrets that contain each other', () => {
    const nested = new Secrets(['abcdef', 'abcdefghi']);
    expect(nested.redact('abcdefghi abcdef')).toBe('[secret] [secret]');
  });

  it.each(['ipSecPsk', 'ipsec_psk', 'IPSEC-PSK'])('replaces the value of %s in a JSON text, at every depth', (name) => {
    const value = { [name]: 'ab"c\\d, e', other: 'stays' };
    const none = new Secrets([]);
    expect(none.redact(inJson(value))).toBe(inJson({ ...value, [name]: '[secret]' }));
    for (const text of [inJson(inJson(value)), inJson(inJson(inJson(value)))]) {
      expect(none.redact(text)).toContain('[secret]');
      expect(none.redact(text)).toContain('stays');
      expect(none.redact(text)).not.toMatch(/ab|, e/);
    }
    expect(none.redact(`${name}=abcdefgh&x=1`)).toBe(`${name}=[secret]&x=1`);
  });

  it.each([
    'The ipSecPsk must hold at least 10 letters or digits.',
    'ipSecPsk: must be set',
    'a short word, 100 % \\ of it',
    '',
  ])('leaves %j as it is', (text) => {
    expect(secrets.redact(text)).toBe(text);
  });

  it('takes linear time for long rows of characters that begin a form', () => {
    const bad = new Secrets(['\\\\aaaaaa', 'a'.repeat(40), 'u005c%5C%5C']);
    // Each takes minutes in quadratic time.
    for (const piece of ['\\', 'a', '%5C', '\\u005c', 'ipsec_psk="', "ipsec_psk\\'", ' ', 'AAAA']) {
      const text = piece.repeat(Math.ceil(500_000 / piece.length));
      expect(typeof bad.redact(`${text}%`)).toBe('string');
    }
  });
});

describe('findNamedPreSharedKeys', () => {
  it('returns the decoded values, and none for other texts', () => {
    expect(findNamedPreSharedKeys('{"ipsec_psk": "ab\\"c\\u0064", "ipSecPsk":"other"}')).toEqual(['ab"cd', 'other']);
    expect(findNamedPreSharedKeys('{"name": "a"}')).toEqual([]);
  });
});
