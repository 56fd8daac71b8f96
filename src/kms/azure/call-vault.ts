import { randomUUID } from 'node:crypto'
import { KekFault } from '#kms/kek-fault.ts'
import type { KekCallOptions } from '#kms/kek-provider.ts'
import type { AzureClients } from './azure-clients.ts'
import { VaultRefusal, type VaultOperation } from './azure-refusal.ts'
import type { AzureKeyId } from './key-id.ts'
import { judgeVaultRefusal, vaultFaultOf } from './vault-faults.ts'
import type { VaultCall, VaultReply, VaultTransport } from './vault-transport.ts'

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

type Answered<Reply> = Readonly<{
  reply: Reply
  kmsRequestId: string
  serviceRequestId: string | undefined
  durationMs: number
}>

/**
 * One operation on a key. Where the service refuses our token, once more with a fresh one.
 *
 * @throws {KekFault}
 */
export async function callVault<Reply extends VaultReply>(
  clients: AzureClients,
  target: Readonly<{ keyId: AzureKeyId; tenantId: string; options: KekCallOptions }>,
  operation: VaultOperation,
  run: (transport: VaultTransport, call: VaultCall) => Promise<Reply>,
): Promise<Answered<Reply>> {
  const { keyId, tenantId, options } = target
  const session = clients.sessionFor(keyId, tenantId)
  const startedAtMs = performance.now()
  for (let isRetry = false; ; isRetry = true) {
    const token = await session.current()
    const clientRequestId = requestIdOf(options)
    try {
      const reply = await run(clients.transport, { keyId, token, clientRequestId, signal: options.signal })
      return {
        reply,
        kmsRequestId: clientRequestId,
        serviceRequestId: reply.serviceRequestId,
        durationMs: performance.now() - startedAtMs,
      }
    } catch (error) {
      if (error instanceof VaultRefusal) {
        const isTokenRefused = error.status === 401
        if (isTokenRefused) session.discard(token)
        if (isTokenRefused && !isRetry && isOurTenant(error, tenantId)) continue
        throw vaultFaultOf(judgeVaultRefusal(error, operation, tenantId), error, clientRequestId)
      }
      if (!(error instanceof KekFault)) throw error
      const fault = withRequestId(error, clientRequestId)
      throw fault.code === 'host-not-found' ? await judgeLostHost(clients, keyId, fault) : fault
    }
  }
}

/**
 * The id by which the customer's log knows the call: the unwrap's own where there is one, so that the record we
 * wrote before the call leads to the event though no answer ever came.
 */
function requestIdOf({ requestReason }: KekCallOptions): string {
  return requestReason !== undefined && GUID.test(requestReason) ? requestReason : randomUUID()
}

/** A call that never got an answer may be in the customer's log all the same. */
function withRequestId({ kind, code, message, retryAfterMs }: KekFault, kmsRequestId: string): KekFault {
  return new KekFault(kind, code, message, { kmsRequestId, retryAfterMs })
}

function isOurTenant({ trustedTenantId }: VaultRefusal, tenantId: string): boolean {
  return trustedTenantId === undefined || trustedTenantId === tenantId
}

/**
 * A vault's name goes with the vault, but a name also fails to resolve when our own DNS is at fault. So it is
 * called gone only when the DNS servers, asked apart, say that there is no such name and yet know the authority's.
 */
async function judgeLostHost(clients: AzureClients, keyId: AzureKeyId, fault: KekFault): Promise<KekFault> {
  const [vault, authority] = await Promise.all([
    clients.hostNames.exists(keyId.host),
    clients.hostNames.exists(new URL(clients.authorityHost).hostname),
  ])
  if (vault !== false || authority !== true) return fault
  return new KekFault(
    'revoked',
    'VaultGone',
    'The vault does not exist any more: recover it (soft delete keeps it for 7 to 90 days).',
    { kmsRequestId: fault.kmsRequestId },
  )
}
