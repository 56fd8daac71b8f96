import type { Refusal } from '#proxy/refusal.ts'

/** How the SDKs of one family of providers read an error. */
export type ErrorDialect = Readonly<{
  /** The header of a reply that its SDKs show as the request's id. */
  requestIdHeader: string
  /** The JSON value that is the body of an error answer. `requestId`: for a family that has a place for it. */
  body: (refusal: Refusal, requestId: string) => object
  /**
   * A server-sent event that tells a running stream of its end. It begins with a line end, since the stream may have
   * been cut anywhere.
   */
  streamEvent: (refusal: Refusal) => string
}>
