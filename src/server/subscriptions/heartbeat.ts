// How often idle connections carry a heartbeat.

/** Milliseconds between heartbeats: pings of a WebSocket, comments of an event stream. Below the 12 s that clients may rely on. */
export const heartbeatMs = 10_000;
