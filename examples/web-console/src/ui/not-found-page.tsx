// The page for unknown URLs.
import { FileQuestion } from 'lucide-react';
import { ButtonLink } from './buttons';
import { EmptyState } from './empty-state';
import { Page } from './page';

/** Renders a link to the environments. */
export function NotFoundPage() {
  return (
    <Page title="There is no such page">
      <EmptyState
        icon={FileQuestion}
        text="The address may be incomplete."
        action={
          <ButtonLink tone="plain" href="/">
            Go to the environments
          </ButtonLink>
        }
      />
    </Page>
  );
}
