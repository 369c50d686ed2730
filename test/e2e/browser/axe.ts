// Runs axe-core, a package of the web console, in a page.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

const file = join(import.meta.dirname, '../../../examples/web-console/node_modules/axe-core/axe.min.js');
const axe = await readFile(file, 'utf8');

/** Returns the accessibility violations of a page as it is, one per rule and element. Without `rules`, all rules run. */
export async function findAxeViolations(page: Page, rules?: readonly string[]): Promise<string[]> {
  // The script is large, and stays in the page until the next navigation.
  if ((await page.evaluate('"axe" in window')) === false) await page.evaluate(axe);
  const options = JSON.stringify({ ...(rules && { runOnly: rules }), resultTypes: ['violations'] });
  const result: unknown = await page.evaluate(`axe.run(${options}).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ': ' + target.join(' '))))`);
  if (!Array.isArray(result)) throw new TypeError('axe-core returned no list of violations.');
  return result.map(String);
}
