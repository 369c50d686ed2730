// Brings what the user has caused into view.
import { type ReactNode, useEffect, useRef } from 'react';

/** Scrolls its content into view when it appears, unless it is visible already. */
export function Reveal({ children }: { readonly children: ReactNode }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    element.current?.scrollIntoView({ block: 'nearest' });
  }, []);
  return (
    <div ref={element} className="reveal">
      {children}
    </div>
  );
}
