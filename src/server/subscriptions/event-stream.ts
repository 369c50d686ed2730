// The response of one subscription by HTTP, in either format: events, heartbeats, and its end.
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { whenDrained } from '../http/drain.js';
import type { Lifecycle } from '../lifecycle.js';
import { heartbeatMs } from './heartbeat.js';
import type { StreamFormat } from './stream-format.js';
import type { EventReceiver } from './subscription.js';
import type { SubscriptionEvent } from './subscription-event.js';

/** Headers of each event stream, besides its media type. */
export const streamHeaders = {
  // A proxy that compresses would hold events back.
  'cache-control': 'no-store, no-transform',
  // Proxies must not buffer events.
  'x-accel-buffering': 'no',
};

// How long clients may take to read what was sent before shutdown, in milliseconds.
const shutdownGraceMs = 500;

/** An event stream. Its connection closes without the format's end when the gateway shuts down, so that the client subscribes again. */
export class EventStream implements EventReceiver {
  /** Carries the text of the response. */
  readonly body: Readable;
  readonly #response: ServerResponse;
  readonly #format: StreamFormat;

  /** Counts the response as an active request, so that shutdown waits until it has closed. */
  constructor(response: ServerResponse, format: StreamFormat, lifecycle: Lifecycle) {
    this.#response = response;
    this.#format = format;
    this.body = new Readable({ read: () => undefined });
    this.body.push(format.opening);
    // A closed response does not emit `close` again.
    if (response.closed) return;
    const heartbeat = setInterval(() => {
      if (!response.writableNeedDrain) this.body.push(format.heartbeat);
    }, heartbeatMs);
    const cut = () => {
      this.#cut();
    };
    const { draining } = lifecycle;
    lifecycle.requestStarted();
    draining.addEventListener('abort', cut);
    response.once('close', () => {
      clearInterval(heartbeat);
      draining.removeEventListener('abort', cut);
      lifecycle.requestEnded();
    });
    if (draining.aborted) cut();
  }

  whenReady(): Promise<void> | undefined {
    return whenDrained(this.#response);
  }

  send({ head, tail }: SubscriptionEvent): Promise<void> | undefined {
    const { socket } = this.#response;
    const { beforeEvent, wrapsResult, afterEvent } = this.#format;
    // One write for all of it, and now. Node would write it after the other deliveries of this turn.
    socket?.cork();
    this.body.push(`${beforeEvent}${head}`);
    this.body.push(wrapsResult ? tail.bytes : tail.bytes.subarray(0, -1));
    this.body.push(afterEvent);
    socket?.uncork();
    const drained = whenDrained(this.#response);
    return socket === null || drained === undefined ? undefined : tail.holdWithHead(head, socket, drained);
  }

  /** Tells the client that the subscription has ended, and ends the response. */
  complete(): void {
    this.body.push(this.#format.end);
    this.body.push(null);
  }

  /** Closes the connection when the client has read what was sent, or after `shutdownGraceMs`. */
  #cut(): void {
    const response = this.#response;
    const destroy = () => {
      response.destroy();
    };
    setTimeout(destroy, shutdownGraceMs).unref();
    if (response.headersSent && !response.writableEnded) response.write(this.#format.heartbeat, destroy);
  }
}
