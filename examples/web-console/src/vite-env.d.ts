/// <reference types="vite/client" />

/** What the build is told; `.env` has the defaults. */
interface ImportMetaEnv {
  readonly VITE_GATEWAY_URL: string;
  readonly VITE_SANDBOX_KEY?: string;
}
