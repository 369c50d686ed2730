// The REST calls of the last run, as a small waterfall below the response, and the switch that asks the gateway for them.
import type { ReactElement } from 'react';
import { ToolbarButton } from '@graphiql/react';
import type { Fetcher, FetcherReturnType } from '@graphiql/toolkit';
import { createStore } from './store.js';

// Most routes begin with it.
const commonPath = '/services/{serviceCode}/{environmentName}';

/** An entry of `extensions.restCalls`. */
interface RestCall {
  readonly method: string;
  readonly route: string;
  readonly status: number | null;
  readonly start: number;
  readonly milliseconds: number | null;
  readonly attempt: number;
  readonly shared: boolean;
}

interface State {
  readonly isOn: boolean;
  /** The calls of the last run. Undefined if it did not list them. */
  readonly calls: readonly RestCall[] | undefined;
}

const store = createStore<State>({ isOn: false, calls: undefined });

function setState(change: Partial<State>): void {
  store.set({ ...store.get(), ...change });
}

/** Wraps a fetcher. While the switch is on, it asks for the REST calls of each query and mutation, and keeps those of the last one. */
export function withRestCalls(fetcher: Fetcher): Fetcher {
  return async (params, options) => {
    // GraphiQL reads the schema by itself, also while an operation runs.
    if (params.operationName === 'IntrospectionQuery') return fetcher(params, options);
    setState({ calls: undefined });
    const headers = { ...options?.headers, ...(store.get().isOn && { 'x-explain': 'true' }) };
    const result: FetcherReturnType = await fetcher(params, { ...options, headers });
    if (store.get().isOn) setState({ calls: readRestCalls(result) });
    return result;
  };
}

function readRestCalls(result: object): readonly RestCall[] | undefined {
  const extensions = 'extensions' in result ? result.extensions : undefined;
  if (typeof extensions !== 'object' || extensions === null || !('restCalls' in extensions)) return undefined;
  const { restCalls } = extensions;
  return Array.isArray(restCalls) ? restCalls.filter(isRestCall) : undefined;
}

function isRestCall(value: unknown): value is RestCall {
  return typeof value === 'object' && value !== null && 'route' in value && 'start' in value;
}

/** A button of the toolbar that turns the waterfall on and off. */
export function RestCallsSwitch(): ReactElement {
  const { isOn } = store.use();
  return (
    <ToolbarButton
      label={isOn ? 'Hide REST calls' : 'Show REST calls'}
      aria-pressed={isOn}
      onClick={() => {
        setState({ isOn: !isOn, calls: undefined });
      }}
    >
      <svg viewBox="0 0 16 16" className="graphiql-toolbar-icon" aria-hidden="true">
        <path d="M1 2h7v3H1zM4 6.5h6v3H4zM9 11h6v3H9z" fill="currentColor" />
      </svg>
    </ToolbarButton>
  );
}

/** Shows the REST calls of the last run, one bar each, on a common time axis. */
export function RestCalls(): ReactElement | null {
  const { isOn, calls } = store.use();
  if (!isOn) return null;
  if (calls === undefined || calls.length === 0) {
    const hint = calls === undefined ? 'Run a query or mutation to see its REST calls.' : 'No REST call was made.';
    return <p className="rest-calls rest-calls-hint">{hint}</p>;
  }
  const end = Math.max(1, ...calls.map(({ start, milliseconds }) => start + (milliseconds ?? 0)));
  const toPercent = (milliseconds: number) => `${(milliseconds / end) * 100}%`;
  return (
    <table className="rest-calls">
      <caption>REST calls of the last run</caption>
      <tbody>
        {calls.map(({ method, route, status, start, milliseconds, attempt, shared }, index) => (
          <tr key={index}>
            <th scope="row" title={route}>
              {method} {route.replace(commonPath, '…')}
            </th>
            <td
              className={status !== null && status < 400 ? 'rest-calls-status' : 'rest-calls-status rest-calls-failed'}
            >
              {status ?? 'no response'}
              {attempt > 1 && `, attempt ${attempt}`}
              {shared && ', shared'}
            </td>
            <td className="rest-calls-axis">
              <span
                className={shared ? 'rest-calls-bar rest-calls-shared' : 'rest-calls-bar'}
                style={{ marginLeft: toPercent(start), width: toPercent(milliseconds ?? 0) }}
              />
            </td>
            <td className="rest-calls-duration">{milliseconds === null ? '' : `${milliseconds} ms`}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
