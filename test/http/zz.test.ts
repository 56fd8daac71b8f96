import { it } from 'vitest'
import { writeFileSync } from 'node:fs'
import { startHasp } from '../support/running-hasp.ts'
it('x', async () => {
  await using hasp = await startHasp()
  const r = await (await fetch(hasp.url + '/api/v1/openapi.json')).json()
  writeFileSync('/tmp/scratch/openapi.json', JSON.stringify(r, null, 1))
  for (const [m, p, b, h] of [
    ['GET', '/%'],
    ['GET', '/api/v1/keks/%zz'],
    ['OPTIONS', '/api/v1/keks'],
    ['HEAD', '/api/v1/keks'],
    ['GET', '/api/v1/keks/'],
    ['PUT', '/api/v1/keks'],
    ['POST', '/api/v1/keks', 'x', { 'content-type': 'text/plain' }],
    ['POST', '/api/v1/keks', '{', { 'content-type': 'application/json' }],
    ['POST', '/api/v1/keks', '{"name":"' + 'x'.repeat(70000) + '"}', { 'content-type': 'application/json' }],
  ] as any) {
    const reply = await fetch(hasp.url + p, {
      method: m,
      body: b,
      headers: { authorization: `Bearer ${hasp.token}`, ...h },
    })
    console.log(
      m,
      p.slice(0, 40),
      reply.status,
      reply.headers.get('content-type'),
      (await reply.text()).slice(0, 300),
    )
  }
})
