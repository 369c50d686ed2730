// For addresses that lead nowhere.
import { Link } from 'react-aria-components';
import { Page } from './page';

/** Says that there is nothing here. */
export function NotFoundPage() {
  return (
    <Page title="There is no such page">
      <p>
        The address may have been cut short. <Link href="/">Go to the environments.</Link>
      </p>
    </Page>
  );
}
