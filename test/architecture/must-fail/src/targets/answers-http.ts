// refused: src/targets may not use this package
import type { FastifyReply } from 'fastify'

export type Reply = FastifyReply
