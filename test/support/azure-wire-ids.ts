import { channel } from 'node:diagnostics_channel'

type Exchanged = Readonly<{
  request: { headers: string[] }
  response: { headers: readonly (Buffer | string)[] }
}>

/**
 * Listens on the wire: under the id that we gave each request to Azure, the one that Azure answered it with. An event
 * of the log has one of them; this is how a test knows the other.
 */
export function listenForServiceRequestIds(): Disposable & { of: (clientRequestId: string) => string[] } {
  const heard: { ours: string; azures: string }[] = []
  const listen = (message: unknown) => {
    const { request, response } = message as Exchanged
    const ours = valueOf(request.headers, 'x-ms-client-request-id')
    const azures = valueOf(response.headers, 'x-ms-request-id')
    if (ours !== undefined && azures !== undefined) heard.push({ ours, azures })
  }
  const headers = channel('undici:request:headers')
  headers.subscribe(listen)
  return {
    of: (clientRequestId) => heard.filter(({ ours }) => ours === clientRequestId).map(({ azures }) => azures),
    [Symbol.dispose]: () => {
      headers.unsubscribe(listen)
    },
  }
}

/** Names and values follow each other. */
function valueOf(headers: readonly (Buffer | string)[], wanted: string): string | undefined {
  const at = headers.findIndex((name, i) => i % 2 === 0 && String(name).toLowerCase() === wanted)
  return at === -1 ? undefined : String(headers[at + 1])
}
