import type { IncomingHttpHeaders } from 'node:http'

/** One request after the mock server has read it whole. `body` is null unless it was a JSON object. */
export type ProviderRequest = {
  readonly method: string
  /** Without its query. */
  readonly path: string
  readonly body: Readonly<Record<string, unknown>> | null
}

/** One server-sent event. `isPaced`: the settable chunk delay is waited before it. */
export type ServerSentEvent = { readonly event?: string; readonly data: string; readonly isPaced?: boolean }

export type ProviderAnswer =
  | { readonly status: number; readonly json: unknown }
  | { readonly status: 200; readonly events: Iterable<ServerSentEvent> }

/** How many pieces a generated text has. */
export type AnswerSize = { readonly chunkCount: number }

/** What differs between the providers that are mocked; everything else is in mock-provider.ts. */
export type ProviderDialect = {
  /** The presented credential, or undefined when the header is missing or malformed. */
  credentialOf(headers: IncomingHttpHeaders): string | undefined
  refuseCredential(presented: string | undefined, requestId: string): ProviderAnswer
  /** Refuses what the provider refuses by its headers alone; undefined lets the request through. */
  checkHeaders(headers: IncomingHttpHeaders, requestId: string): ProviderAnswer | undefined
  refuseBody(requestId: string): ProviderAnswer
  newRequestId(): string
  replyHeaders(requestId: string): Record<string, string>
  answer(request: ProviderRequest, size: AnswerSize, requestId: string): ProviderAnswer
}
