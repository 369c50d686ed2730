// The budgets of connections and addresses, on a clock that the test advances.
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { OriginBudgets } from '../../../src/server/admission/origin-budget.js';
import { useFakeClock } from '../../helpers/fake-clock.js';

const { advance } = useFakeClock();

/** Creates budgets, and counts rejections. */
function createBudgets({ trustedProxies = 0, isUnlimited = false } = {}) {
  const rejections: string[] = [];
  const budgets = new OriginBudgets({ isUnlimited, trustedProxies, onReject: (reason) => rejections.push(reason) });
  return { budgets, rejections };
}

/** Creates a request on a connection from an address. */
function createRequest(remoteAddress: string, headers: Record<string, string> = {}, socket = new Socket()) {
  Object.defineProperty(socket, 'remoteAddress', { value: remoteAddress, configurable: true });
  const request = new IncomingMessage(socket);
  Object.assign(request.headers, headers);
  return request;
}

describe('OriginBudgets.spend', () => {
  it('takes 1,500 units at once and 300 a second, and then returns the seconds to wait', () => {
    const { budgets, rejections } = createBudgets();
    const origin = budgets.toOrigin(createRequest('192.0.2.1'));
    expect(budgets.spend(origin, 1_500)).toBe(0);
    expect(budgets.spend(origin, 1)).toBe(1);
    expect(budgets.spend(origin, 900)).toBe(3);
    expect(rejections).toEqual(['origin', 'origin']);
    advance(1_000);
    expect(budgets.spend(origin, 300)).toBe(0);
    expect(budgets.spend(origin, 1)).toBe(1);
    advance(60_000);
    expect(budgets.spend(origin, 1_500)).toBe(0);
    expect(budgets.spend(origin, 1)).toBe(1);
  });

  it('shares the budget of an address among its connections, but not with other addresses', () => {
    const { budgets } = createBudgets();
    expect(budgets.spend(budgets.toOrigin(createRequest('192.0.2.1')), 1_500)).toBe(0);
    expect(budgets.spend(budgets.toOrigin(createRequest('192.0.2.1')), 1)).toBe(1);
    expect(budgets.spend(budgets.toOrigin(createRequest('192.0.2.2')), 1)).toBe(0);
  });

  it('shares the budget of a /64 network of IPv6 addresses', () => {
    const { budgets } = createBudgets();
    expect(budgets.spend(budgets.toOrigin(createRequest('2001:db8:1:2::5')), 1_500)).toBe(0);
    expect(budgets.spend(budgets.toOrigin(createRequest('2001:db8:1:2:9:9:9:9')), 1)).toBe(1);
    expect(budgets.spend(budgets.toOrigin(createRequest('2001:db8:1:3::5')), 1)).toBe(0);
  });

  it('limits a connection whose address has been refilled by nobody else', () => {
    const { budgets } = createBudgets();
    const socket = new Socket();
    expect(budgets.spend(budgets.toOrigin(createRequest('192.0.2.1', {}, socket)), 1_500)).toBe(0);
    expect(budgets.spend(budgets.toOrigin(createRequest('192.0.2.9', {}, socket)), 1)).toBe(1);
  });

  it('takes nothing if the gateway has no rate limit', () => {
    const { budgets } = createBudgets({ isUnlimited: true });
    const origin = budgets.toOrigin(createRequest('192.0.2.1'));
    expect([budgets.spend(origin, 1_000_000), budgets.spend(origin, 1_000_000)]).toEqual([0, 0]);
  });
});

describe('OriginBudgets.toOrigin', () => {
  it('ignores X-Forwarded-For without trusted proxies', () => {
    const { budgets } = createBudgets();
    const request = createRequest('192.0.2.1', { 'x-forwarded-for': '198.51.100.7' });
    expect(budgets.toOrigin(request)).toEqual({ connection: request.socket, address: '192.0.2.1' });
  });

  it.each([
    [1, '203.0.113.9, 198.51.100.7', '198.51.100.7'],
    [2, '203.0.113.9, 198.51.100.7', '203.0.113.9'],
    [1, '198.51.100.7', '198.51.100.7'],
    // The client skipped a proxy.
    [2, '198.51.100.7', '192.0.2.1'],
    [1, '', '192.0.2.1'],
  ])('takes the entry of %i trusted proxies from "%s": %s', (trustedProxies, forwarded, address) => {
    const { budgets } = createBudgets({ trustedProxies });
    const request = createRequest('192.0.2.1', { 'x-forwarded-for': forwarded });
    expect(budgets.toOrigin(request)).toEqual({ connection: undefined, address });
  });
});

describe('Payer', () => {
  it('throws RATE_LIMITED with the seconds to wait once the budget is spent, and gives units back', () => {
    const { budgets } = createBudgets();
    const payer = budgets.toPayer(budgets.toOrigin(createRequest('192.0.2.1')), false);
    payer.spend(1_500);
    expect(() => {
      payer.spend(600);
    }).toThrow(
      expect.objectContaining({ status: 429, retryAfter: 2, extensions: { code: 'RATE_LIMITED', retryAfter: 2 } }),
    );
    payer.refund(600);
    payer.spend(600);
  });
});
