// The page for unknown URLs.
import { Link } from 'react-aria-components';
import { Page } from './page';

export function NotFoundPage() {
  return (
    <Page title="There is no such page">
      <p>
        The address may be incomplete. <Link href="/">Go to the environments.</Link>
      </p>
    </Page>
  );
}
