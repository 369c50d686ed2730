// Entry point: mounts the app.
import '@fontsource-variable/figtree/wght.css';
import './styles.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';
import { App } from './app';
import { applyTheme, readTheme } from './ui/theme';

applyTheme(readTheme());

const container = document.getElementById('console');
if (container) {
  createRoot(container).render(
    <StrictMode>
      <BrowserRouter>
        <App />
      </BrowserRouter>
    </StrictMode>,
  );
}
