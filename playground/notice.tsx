// One line of text above the page's lower edge: what has ended, what was copied, what could not be done.
import type { ReactElement } from 'react';
import { createStore } from './store.js';

const notice = createStore('');

/** Shows a text until the next text, or until the user closes it. An empty text shows nothing. */
export const notify = notice.set;

/** Renders the notice. Screen readers read each new text. */
export function Notice(): ReactElement {
  const text = notice.use();
  return (
    <div role="status" className="notice">
      {text !== '' && (
        <>
          <span>{text}</span>
          <button
            type="button"
            aria-label="Close the notice"
            onClick={() => {
              notify('');
            }}
          >
            ✕
          </button>
        </>
      )}
    </div>
  );
}
