import { Type } from 'typebox'
import type { ApiServer } from '#http/api-server.ts'

export type ServiceDeps = Readonly<{
  /** What this node lacks to serve; empty when it is ready. */
  notReady: () => Promise<readonly string[]>
  /** Prometheus text and its content type. */
  scrape: () => Promise<{ text: string; contentType: string }>
}>

/** `/livez`, `/readyz`, `/metrics`: for whoever runs the node; they say nothing of any organisation. */
export function serviceRoutes(app: ApiServer, deps: ServiceDeps): void {
  app.get(
    '/livez',
    { schema: { hide: true, response: { 200: Type.Object({ status: Type.Literal('live') }) } } },
    () => ({
      status: 'live' as const,
    }),
  )
  app.get(
    '/readyz',
    {
      schema: {
        hide: true,
        response: {
          200: Type.Object({ status: Type.Literal('ready') }),
          503: Type.Object({ status: Type.Literal('not ready'), reasons: Type.Array(Type.String()) }),
        },
      },
    },
    async (_, reply) => {
      const reasons = await deps.notReady()
      if (reasons.length === 0) return { status: 'ready' as const }
      return reply.status(503).send({ status: 'not ready' as const, reasons: [...reasons] })
    },
  )
  app.get('/metrics', { schema: { hide: true } }, async (_, reply) => {
    const { text, contentType } = await deps.scrape()
    return reply.type(contentType).send(text)
  })
}
