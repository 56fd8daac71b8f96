import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Connection } from '#db/connection.ts'

/** A way to the database like a firewall: it may forget every connection, and says so to neither end. */
export type ForgetfulRelay = AsyncDisposable &
  Readonly<{
    connection: Connection
    /** From here on nothing passes over the connections that there are; new ones work. */
    forget: () => void
  }>

export async function startForgetfulRelay(to: Connection): Promise<ForgetfulRelay> {
  if (typeof to === 'string') throw new TypeError('Give the parameters of the connection.')
  const pairs = new Set<readonly [Socket, Socket]>()
  const server = createServer((near) => {
    const far = to.host.startsWith('/')
      ? connect(join(to.host, `.s.PGSQL.${to.port}`))
      : connect(to.port, to.host)
    for (const end of [near, far]) end.on('error', () => {})
    near.pipe(far).pipe(near)
    pairs.add([near, far])
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on a port has one.
  const { port } = server.address() as AddressInfo
  return {
    connection: { ...to, host: '127.0.0.1', port },
    forget() {
      for (const [near, far] of pairs) {
        near.unpipe().pause()
        far.unpipe().pause()
      }
    },
    async [Symbol.asyncDispose]() {
      server.close()
      for (const ends of pairs) for (const end of ends) end.destroy()
    },
  }
}
