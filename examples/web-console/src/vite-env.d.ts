/// <reference types="vite/client" />

/** Build-time variables. `.env` holds the defaults. */
interface ImportMetaEnv {
  readonly VITE_GATEWAY_URL: string;
  readonly VITE_SANDBOX_KEY?: string;
}
