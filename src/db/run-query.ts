import type { PoolClient, QueryConfig, QueryResult, QueryResultRow } from 'pg'

/**
 * `client.query`, for what is asked at the rate of the traffic. By callback: of queries that are awaited as pg's own
 * promises one after another, most outlive V8's minor collections, dead as they are (docs/performance.md).
 * @throws as `client.query`
 */
export function runQuery<Row extends QueryResultRow>(
  client: PoolClient,
  query: QueryConfig,
): Promise<QueryResult<Row>> {
  return new Promise((resolve, reject) => {
    client.query<Row>(query, (error: Error | null | undefined, result) => {
      if (error) reject(error)
      else resolve(result)
    })
  })
}
