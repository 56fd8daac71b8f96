import { once } from 'node:events'
import { createServer } from 'node:http'

/** What the commands of `hasp drill` call: an address for each lever, worked when it is asked for. */
export type Levers = Readonly<{
  /** @returns a command line that works the lever, and ends when it has answered. */
  add: (name: string, work: () => Promise<void>) => string
}>

export async function startLevers(stack: AsyncDisposableStack): Promise<Levers> {
  const levers = new Map<string, () => Promise<void>>()
  const server = createServer((request, response) => {
    const work = levers.get(request.url ?? '')
    const worked = work === undefined ? Promise.reject(new Error('There is no such lever.')) : work()
    worked.then(
      () => response.end(),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stack.defer(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The levers have no TCP address.')
  return {
    add(name, work) {
      levers.set(`/${name}`, work)
      // Of what is on every machine, what starts soonest: its start is part of what is measured.
      return `curl --silent --show-error --fail-with-body http://127.0.0.1:${address.port}/${name}`
    },
  }
}
