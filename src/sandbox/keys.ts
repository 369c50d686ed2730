// The API keys that a sandbox accepts.

/** API key that may read and write. */
export const SANDBOX_KEY = 'sandbox-key';

/** API key that may only read. A write returns 403. */
export const READ_ONLY_KEY = 'read-only-key';
