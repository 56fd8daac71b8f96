import { Agent } from 'node:https'
import type { AzureEmulator } from '#emulators/azure/azure-emulator.ts'

/** What makes the unmodified Azure SDKs talk to an emulator under Azure's own host names. */
export function azureSdkOptions({ ca, connectTo }: AzureEmulator) {
  const agent = new Agent({ ca })
  const connect = agent.createConnection.bind(agent)
  agent.createConnection = (options, callback) => {
    const name = String(options.host)
    return connect({ ...options, ...connectTo(name), servername: name }, callback)
  }
  return { agent, disableInstanceDiscovery: true, retryOptions: { maxRetries: 0 } }
}
