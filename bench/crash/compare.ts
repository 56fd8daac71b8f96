/** A request that reached the provider: the model that names it. */
export type SeenRequest = string

export type ReceiptSeen = Readonly<{ model: string; kmsRequestId: string; unwrapId: string }>

export type IntentSeen = Readonly<{ unwrapId: string; recordId: string; atMs: number; isRefused: boolean }>

/** A Decrypt that the customer's KMS carried out. `atMs` is its whole second. */
export type DecryptSeen = Readonly<{ kmsRequestId: string; recordId: string; atMs: number }>

export type Comparison = Readonly<{
  /** Must be empty: models of requests that a provider saw and that no receipt names. */
  withoutReceipt: readonly string[]
  /** Must be empty: models that a provider saw more often than receipts name them. */
  sentTwice: readonly string[]
  /** Must be empty: request ids of Decrypts that neither a receipt names nor an intent announced. */
  withoutIntent: readonly string[]
  /** Must be empty: receipts whose Decrypt the customer's trail does not have, or whose intent is missing. */
  unfounded: readonly string[]
  decryptsNamedByReceipt: number
  decryptsMatchedByIntent: number
}>

/** How much later than its intent a Decrypt may be: the time limits of a KMS call, and some more. */
const decryptDelayMsMax = 15_000

/** Holds what the provider and the customer saw against what Hasp had written down. */
export function compare(input: {
  seen: readonly SeenRequest[]
  receipts: readonly ReceiptSeen[]
  intents: readonly IntentSeen[]
  decrypts: readonly DecryptSeen[]
}): Comparison {
  const { seen, receipts, intents, decrypts } = input
  const named = countOf(receipts.map(({ model }) => model))
  const arrived = countOf(seen)
  const kmsRequestIds = new Set(receipts.map(({ kmsRequestId }) => kmsRequestId))
  const trail = new Set(decrypts.map(({ kmsRequestId }) => kmsRequestId))
  const announced = new Set(intents.map(({ unwrapId }) => unwrapId))
  const unnamed = decrypts.filter(({ kmsRequestId }) => !kmsRequestIds.has(kmsRequestId))
  const withoutIntent = matchIntents(unnamed, openIntents(intents, receipts))
  return {
    withoutReceipt: [...arrived.keys()].filter((model) => !named.has(model)),
    sentTwice: [...arrived]
      .filter(([model, count]) => count > (named.get(model) ?? count))
      .map(([model]) => model),
    withoutIntent: withoutIntent.map(({ kmsRequestId }) => kmsRequestId),
    unfounded: receipts
      .filter(({ kmsRequestId, unwrapId }) => !trail.has(kmsRequestId) || !announced.has(unwrapId))
      .map(({ model }) => model),
    decryptsNamedByReceipt: decrypts.length - unnamed.length,
    decryptsMatchedByIntent: unnamed.length - withoutIntent.length,
  }
}

/** Intents of which nothing else is known: neither a receipt nor a refusal names them. */
function openIntents(intents: readonly IntentSeen[], receipts: readonly ReceiptSeen[]): IntentSeen[] {
  const used = new Set(receipts.map(({ unwrapId }) => unwrapId))
  return intents.filter(({ unwrapId, isRefused }) => !isRefused && !used.has(unwrapId))
}

/** Gives each Decrypt, in order of time, the oldest open intent of its record. @returns those that got none */
function matchIntents(decrypts: readonly DecryptSeen[], intents: readonly IntentSeen[]): DecryptSeen[] {
  const open = [...intents].sort((a, b) => a.atMs - b.atMs)
  return [...decrypts]
    .sort((a, b) => a.atMs - b.atMs)
    .filter(({ recordId, atMs }) => {
      const at = open.findIndex(
        (intent) =>
          intent.recordId === recordId && intent.atMs < atMs + 1000 && intent.atMs > atMs - decryptDelayMsMax,
      )
      if (at === -1) return true
      open.splice(at, 1)
      return false
    })
}

function countOf(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}
