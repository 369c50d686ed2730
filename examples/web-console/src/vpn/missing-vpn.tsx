// The card of a page whose VPN does not exist.
import { SearchX } from 'lucide-react';
import { ButtonLink } from '../ui/buttons';
import { EmptyState } from '../ui/empty-state';

/** Renders the way back to the list at `path`. */
export function MissingVpn({ path }: { readonly path: string }) {
  return (
    <EmptyState
      icon={SearchX}
      title="There is no such VPN"
      text="It may have been deleted."
      action={
        <ButtonLink tone="plain" href={path}>
          Go to the list
        </ButtonLink>
      }
    />
  );
}
