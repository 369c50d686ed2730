// A gateway that polls a mutable REST API often. It loads the whole gateway, which tests of a process do without.
import type { Config } from '../../../src/config.js';
import { type GatewayOptions, startGateway, type TestGateway } from '../../helpers/gateway.js';
import { type MutableRestApi, startRestApi } from './mutable-rest-api.js';

/** Starts a gateway on a new REST API of `startRestApi`. By default, it polls every 20 ms. */
export async function startOnRestApi(
  config: Partial<Config> = {},
  options: Omit<GatewayOptions, 'config'> = {},
): Promise<TestGateway & { readonly rest: MutableRestApi }> {
  const rest = await startRestApi();
  const polls = { taskPollMs: 20, watchPollMs: 20 };
  return { ...(await startGateway({ restApi: rest.url, config: { ...polls, ...config }, ...options })), rest };
}
