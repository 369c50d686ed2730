// The button that changes the colour scheme.
import { Monitor, Moon, Sun } from 'lucide-react';
import { useState } from 'react';
import { Button } from 'react-aria-components';
import { chooseTheme, readTheme, themes } from './theme';

const looks = {
  system: { Icon: Monitor, label: 'Colours: as the system' },
  light: { Icon: Sun, label: 'Colours: light' },
  dark: { Icon: Moon, label: 'Colours: dark' },
} as const;

/** Renders a button that shows the current colour scheme and changes to the next one. */
export function ThemeSwitch() {
  const [theme, setTheme] = useState(readTheme);
  const { Icon, label } = looks[theme];
  return (
    <Button
      className="icon-button"
      aria-label={label}
      onPress={() => {
        const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'system';
        chooseTheme(next);
        setTheme(next);
      }}
    >
      <Icon aria-hidden />
    </Button>
  );
}
