// Holds back navigation while a page has unsaved changes. The page asks the user and proceeds, or does not.
import { type NavigateOptions, useNavigate } from 'react-router';

type Guard = (proceed: () => void) => void;

let guard: Guard | undefined;

/** Sets the guard that each navigation passes. Returns a function that removes it. */
export function setLeaveGuard(next: Guard): () => void {
  guard = next;
  // The Back button changes the URL before the router learns of it, so it is stopped at the browser.
  const onNavigate = (event: NavigateEvent): void => {
    const { key } = event.destination;
    if (event.navigationType !== 'traverse' || !event.cancelable) return;
    event.preventDefault();
    next(() => {
      end();
      window.navigation.traverseTo(key);
    });
  };
  // Browsers without the Navigation API do not ask at the Back button.
  const navigation = 'navigation' in window ? window.navigation : undefined;
  navigation?.addEventListener('navigate', onNavigate);
  const end = (): void => {
    navigation?.removeEventListener('navigate', onNavigate);
    if (guard === next) guard = undefined;
  };
  return end;
}

/** Calls `proceed` at once, or once the user agrees to lose the changes. */
export function requestLeave(proceed: () => void): void {
  const current = guard;
  if (current === undefined) {
    proceed();
    return;
  }
  current(() => {
    if (guard === current) guard = undefined;
    proceed();
  });
}

/** Returns a function that navigates to a path, after the user has agreed to lose unsaved changes. */
export function useGuardedNavigate(): (path: string, options?: NavigateOptions) => void {
  const navigate = useNavigate();
  return (path, options) => {
    requestLeave(() => void navigate(path, options));
  };
}
