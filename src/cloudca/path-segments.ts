// Which strings may become one segment of a REST path, and how they are encoded.

/**
 * Reports whether a value can be one path segment, so that the URL keeps the path it was built for. Percent-encoding does not protect
 * `.` and `..` (WHATWG URL, "double-dot path segment"), and intermediaries decode slashes and backslashes.
 */
export function isPathSegment(value: string): boolean {
  return (
    isPlain(value) ||
    (value !== '' && value !== '.' && value !== '..' && value.isWellFormed() && !/[/\\?#%\p{Cc}]/u.test(value))
  );
}

/** Percent-encodes a value for which `isPathSegment` holds. */
export function encodePathSegment(value: string): string {
  return isPlain(value) ? value : encodeURIComponent(value);
}

// Nearly all segments are plain and need neither a further check nor encoding.
function isPlain(value: string): boolean {
  return /^[\w-]+$/.test(value);
}
