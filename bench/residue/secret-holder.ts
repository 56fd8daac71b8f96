/**
 * The control of the residue bench, a process of its own. Reads a secret from its standard input and holds it as a
 * careless program would: in every encoding that the scan claims to find, and as the header string of requests that
 * bare undici sends to `secret-holder.ts ORIGIN REQUESTS`.
 */
import { randomBytes } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { Pool } from 'undici'

const [, , origin = '', requests = '0'] = process.argv
const secret = await text(process.stdin)

const bytes = Buffer.from(secret)
const at = (alignment: number) => Buffer.concat([randomBytes(alignment), bytes, randomBytes(5)])
const planted = [
  Buffer.from(secret, 'utf16le'),
  Buffer.from(bytes.toString('hex')),
  Buffer.from(bytes.toString('hex').toUpperCase()),
  ...[0, 1, 2].map((alignment) => Buffer.from(at(alignment).toString('base64'))),
]

const pool = new Pool(origin, { connections: 8 })
for (let index = 0; index < Number(requests); index += 1) {
  const headers = { authorization: `Bearer ${secret.slice(0, 50)}${secret.slice(50)}` }
  const { body } = await pool.request({ method: 'GET', path: '/v1/models', headers })
  await body.dump()
}
console.log('ready')
// What is planted must still be in use here, or it could be collected before it is looked for.
setInterval(() => planted.reverse(), 60_000)
