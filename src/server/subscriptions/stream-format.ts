// The formats of subscriptions by HTTP, and which of them a client accepts.

/** The text of a stream around its events. Each event is a head of the subscriber's own, and bytes that all subscribers share. */
export interface StreamFormat {
  readonly contentType: string;
  /** Begins the response. */
  readonly opening: string;
  /** Keeps an idle connection open. */
  readonly heartbeat: string;
  readonly beforeEvent: string;
  /** Whether the brace that follows each result ends the event. Otherwise it is not sent. */
  readonly wrapsResult: boolean;
  readonly afterEvent: string;
  /** Tells the client that the subscription has ended, and ends the response. */
  readonly end: string;
}

const comment = ':\n\n';

/** Server-Sent Events (WHATWG HTML, 9.2) with the events of graphql-sse's distinct connections mode. */
export const serverSentEvents: StreamFormat = {
  contentType: 'text/event-stream; charset=utf-8',
  opening: comment,
  heartbeat: comment,
  beforeEvent: 'event: next\ndata: ',
  wrapsResult: false,
  afterEvent: '\n\n',
  end: 'event: complete\ndata:\n\n',
};

const boundary = '\r\n--graphql';
const partHeader = '\r\ncontent-type: application/json\r\n\r\n';
const emptyPart = `${partHeader}{}${boundary}`;

/**
 * Apollo's multipart protocol for subscriptions, version 1.0. Each part ends with the boundary, because clients take a part when they have
 * read the boundary after it. Apollo iOS compares the parameter of the media type with `subscriptionSpec=1.0`, without quotes. Apollo Kotlin
 * rejects a response without a part, so the first one is a heartbeat.
 */
const multipart: StreamFormat = {
  contentType: 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0',
  opening: `${boundary}${emptyPart}`,
  heartbeat: emptyPart,
  beforeEvent: `${partHeader}{"payload":`,
  wrapsResult: true,
  afterEvent: boundary,
  end: '--\r\n',
};

/** All formats. */
export const streamFormats: readonly StreamFormat[] = [serverSentEvents, multipart];

/** Returns which of some formats an Accept header prefers (RFC 9110, 12.5.1); of equals, the first. Undefined if it names none. */
export function chooseStreamFormat(
  accept: string | undefined,
  formats: readonly StreamFormat[],
): StreamFormat | undefined {
  let chosen: StreamFormat | undefined;
  let chosenWeight = 0;
  for (const range of (accept ?? '').toLowerCase().split(',')) {
    const [type, ...parameters] = range.split(';').map((part) => part.trim());
    const format = toFormat(type, parameters);
    const weight = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
    if (format === undefined || !formats.includes(format) || !(weight > chosenWeight)) continue;
    chosen = format;
    chosenWeight = weight;
  }
  return chosen;
}

// Without the parameter, a client accepts parts of `@defer` and `@stream`, which have another form.
function toFormat(type: string | undefined, parameters: readonly string[]): StreamFormat | undefined {
  if (type === 'text/event-stream') return serverSentEvents;
  const acceptsSubscriptions = parameters.some((parameter) => /^subscriptionspec="?1\.0"?$/.test(parameter));
  return type === 'multipart/mixed' && acceptsSubscriptions ? multipart : undefined;
}
