// The colour scheme that the user has chosen. It is stored in the browser; without a choice, the system's applies.

/** The colour schemes to choose from. */
export const themes = ['system', 'light', 'dark'] as const;
/** A colour scheme. */
export type Theme = (typeof themes)[number];

const storageKey = 'theme';

/** Returns the user's choice. */
export function readTheme(): Theme {
  return themes.find((theme) => theme === localStorage.getItem(storageKey)) ?? 'system';
}

/** Applies a colour scheme to the page. */
export function applyTheme(theme: Theme): void {
  document.documentElement.style.colorScheme = theme === 'system' ? '' : theme;
}

/** Applies a colour scheme, and stores it for the next visit. */
export function chooseTheme(theme: Theme): void {
  applyTheme(theme);
  if (theme === 'system') localStorage.removeItem(storageKey);
  else localStorage.setItem(storageKey, theme);
}
