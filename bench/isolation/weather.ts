/** What one key's `Decrypt` meets; an empty `key` hits nobody. */
export type Weather = Readonly<{ key: string; latencyMs: number; isThrottled: boolean }>

export async function setWeather(awsUrl: string, weather: Weather): Promise<void> {
  const reply = await fetch(`${awsUrl}/_weather`, { method: 'POST', body: JSON.stringify(weather) })
  if (!reply.ok) throw new Error(`The weather could not be set: HTTP ${reply.status}.`)
}
