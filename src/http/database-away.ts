import { problemOf } from './problem.ts'
import { RequestError } from './request-error.ts'

/** Whether what failed is the connection to the database. */
export type IsDatabaseAway = (error: unknown) => boolean

/** What a caller is told of `error`: where nobody foresaw it and the database is away, that, and to come again. */
export function toldOf(error: unknown, isDatabaseAway: IsDatabaseAway): unknown {
  const isUnforeseen = problemOf(error, '').problem.code === 'internal'
  return isUnforeseen && isDatabaseAway(error) ? databaseAway : error
}

const databaseAway = new RequestError(
  'overloaded',
  'The database does not answer. Try again shortly: with an Idempotency-Key nothing is done twice.',
)
