import { createServer } from 'node:http'
import { once } from 'node:events'
import { it } from 'vitest'
import { startSurroundings, setUpLending, openaiCredential } from '../support/lending-hasp.ts'
import { startHasp } from '../support/running-hasp.ts'
it('dbg', async () => {
  const s = createServer((q, r) => {
    r.writeHead(400, {
      'content-type': 'application/json',
      'x-request-id': String(q.headers.authorization),
    }).end(JSON.stringify({ error: { message: 'bad ' + q.headers.authorization } }))
  }).listen(0, '127.0.0.1')
  await once(s, 'listening')
  const o = `http://127.0.0.1:${(s.address() as any).port}`
  await using w = await startSurroundings()
  await using h = await startHasp(
    { ...w.env, HASP_ALLOWED_UPSTREAMS: w.env['HASP_ALLOWED_UPSTREAMS'] + ',' + o },
    { aws: w.aws },
  )
  const l = await setUpLending(h, w)
  console.log(
    (
      await h.api('POST', '/api-targets', {
        name: 'echo',
        provider: 'openai',
        baseUrl: o,
        kekId: l.kekId,
        credential: openaiCredential,
        validate: false,
      })
    ).status,
  )
  const r = await fetch(h.url + '/openai/v1/chat/completions', {
    method: 'POST',
    headers: {
      authorization: 'Bearer ' + l.virtualKey,
      'x-hasp-target': 'echo',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'x' }] }),
  })
  const t = await r.text()
  console.log(
    r.status,
    'body has credential:',
    t.includes(openaiCredential),
    'header has:',
    JSON.stringify([...r.headers]).includes(openaiCredential),
  )
  s.closeAllConnections()
  s.close()
}, 60000)
