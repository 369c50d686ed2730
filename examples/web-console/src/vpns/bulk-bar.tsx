// The actions on the selected VPNs of the list.
import { RotateCcw, Trash2, X } from 'lucide-react';
import { Button } from '../ui/buttons';

/** An action on several VPNs at once. */
export type BulkAction = 'reset' | 'delete';

interface BulkBarProps {
  /** Number of selected VPNs. */
  readonly count: number;
  readonly onAction: (action: BulkAction) => void;
  readonly onClear: () => void;
}

/** Renders the actions at the bottom of the window while VPNs are selected. */
export function BulkBar({ count, onAction, onClear }: BulkBarProps) {
  return (
    <div role="region" aria-label="Selected VPNs" className="bulk-bar" hidden={count === 0}>
      <span role="status">{count > 0 && `${count} selected`}</span>
      <div className="actions">
        <Button
          icon={RotateCcw}
          onPress={() => {
            onAction('reset');
          }}
        >
          Reset
        </Button>
        <Button
          tone="danger"
          icon={Trash2}
          onPress={() => {
            onAction('delete');
          }}
        >
          Delete
        </Button>
        <Button tone="quiet" icon={X} onPress={onClear}>
          Clear
        </Button>
      </div>
    </div>
  );
}
