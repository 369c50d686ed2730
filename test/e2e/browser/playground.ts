// Steps that the tests of the playground share.
import type { Locator, Page } from 'playwright-core';

/** Opens a prepared operation from the list. */
export async function selectOperation(page: Page, name: string): Promise<void> {
  await page.locator('.operations').getByText(name, { exact: true }).click();
}

/** Runs the operation of the active tab. */
export async function run(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Execute/ }).click();
}

/** Returns the pane of the response. */
export function results(page: Page): Locator {
  return page.locator('.graphiql-response');
}

/** Returns the editor of the query. */
export function queryEditor(page: Page): Locator {
  return page.locator('.graphiql-query-editor .monaco-editor');
}

/** Replaces the text of the query editor. */
export async function typeQuery(page: Page, text: string): Promise<void> {
  await queryEditor(page).click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(text);
}
