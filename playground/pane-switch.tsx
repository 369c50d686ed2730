// On narrow windows, the page shows one pane at a time. This is the switch between them. The style sheet hides it on wide windows.
import type { ReactElement } from 'react';
import { useGraphiQLActions } from '@graphiql/react';
import { createStore } from './store.js';

const labels = { query: 'Query', variables: 'Variables', response: 'Response' } as const;

/** A pane of the page. */
export type Pane = keyof typeof labels;

/** The pane that narrow windows show. */
export const pane = createStore<Pane>('query');

/** Reports whether the window shows one pane at a time. The style sheet has the same limit. */
export function isNarrow(): boolean {
  return window.matchMedia('(max-width: 760px)').matches;
}

/** Renders one button per pane. */
export function PaneSwitch(): ReactElement {
  const selected = pane.use();
  const actions = useGraphiQLActions();
  return (
    <nav className="pane-switch" aria-label="Panes">
      {(['query', 'variables', 'response'] as const).map((name) => (
        <button
          key={name}
          type="button"
          aria-pressed={name === selected}
          onClick={() => {
            actions.setVisiblePlugin(null);
            pane.set(name);
          }}
        >
          {labels[name]}
        </button>
      ))}
    </nav>
  );
}
