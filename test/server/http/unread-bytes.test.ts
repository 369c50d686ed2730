// The account of what clients have not read: which connections are closed above its maximum.
import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { UnreadBytes } from '../../../src/server/http/unread-bytes.js';

function createAccount(maxBytes: number) {
  let closed = 0;
  const account = new UnreadBytes(maxBytes, () => closed++);
  const connect = (callerId: string | undefined, bytes: number, closeable?: boolean) => {
    const connection = new PassThrough();
    account.set(connection, callerId, bytes, closeable);
    return connection;
  };
  return { account, connect, closedCount: () => closed };
}

describe('Unread bytes', () => {
  it('up to the maximum close no connection', () => {
    const { account, connect, closedCount } = createAccount(100);
    const connections = [connect('a', 50), connect('b', 50)];

    expect(connections.map(({ destroyed }) => destroyed)).toEqual([false, false]);
    expect([account.total, closedCount()]).toEqual([100, 0]);
  });

  it('above the maximum close the oldest connection of the caller with most of them', () => {
    const { account, connect, closedCount } = createAccount(100);
    const honest = connect('honest', 30);
    const flood = [connect('flood', 20), connect('flood', 20), connect('flood', 20)];
    const other = connect(undefined, 25);

    expect([honest, ...flood, other].map(({ destroyed }) => destroyed)).toEqual([false, true, false, false, false]);
    expect([account.total, closedCount()]).toEqual([95, 1]);
  });

  it('that grow on one connection close it', () => {
    const { account, connect } = createAccount(100);
    const other = connect('other', 10);
    const growing = connect('growing', 50);
    account.set(growing, 'growing', 95);

    expect([other.destroyed, growing.destroyed, account.total]).toEqual([false, true, 10]);
  });

  it('of a response that is not closeable close all others before', () => {
    const { account, connect } = createAccount(100);
    const others = [connect('a', 10), connect('b', 20)];
    const response = connect('c', 150, false);

    expect([...others, response].map(({ destroyed }) => destroyed)).toEqual([true, true, false]);
    expect(account.total).toBe(150);
  });

  it('are forgotten once a connection has read them', () => {
    const { account, connect } = createAccount(100);
    const first = connect('a', 60);
    account.set(first, 'a', 0);
    const second = connect('a', 60);

    expect([first.destroyed, second.destroyed, account.total]).toEqual([false, false, 60]);
  });

  it('above 16 MiB of one caller leave no room for more work of it, and of no other caller', () => {
    const { account, connect } = createAccount(Infinity);
    const connection = connect('slow', 16 * 1024 * 1024);
    expect(account.isFull('slow')).toBe(false);
    account.set(connection, 'slow', 16 * 1024 * 1024 + 1);
    expect([account.isFull('slow'), account.isFull('other')]).toEqual([true, false]);
    account.set(connection, 'slow', 1);
    expect(account.isFull('slow')).toBe(false);
  });
});
