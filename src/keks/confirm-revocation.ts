import { EnvelopeError } from '#envelope/envelope-error.ts'
import { KekFault } from '#kms/kek-fault.ts'
import type { KekProviders } from './access.ts'
import { journalledUnwrap, openCanary } from './canary.ts'
import type { Kek } from './kek.ts'
import type { UnwrapJournal } from './unwrap-journal.ts'

/**
 * - `confirmed`: the KEK may not be used;
 * - `refuted`: it may; what was refused was that one unwrap (its owner may deny single records by the context);
 * - `open`: the KMS could not be asked again. Nothing is concluded: the next refusal asks anew.
 */
export type SecondReading = 'confirmed' | 'refuted' | 'open'

type Deps = Readonly<{ providers: KekProviders; journal: UnwrapJournal }>

/**
 * A second, independent reading before a KEK is called suspended. A fault that names the state of the key needs none.
 * For any other: what does the KMS say of the key, and does the canary, another record in another call, open?
 * The request that met the fault is refused in any case.
 */
export async function confirmRevocation(deps: Deps, kek: Kek, fault: KekFault): Promise<SecondReading> {
  if (!fault.isAmbiguous || kek.canary === null) return 'confirmed'
  const provider = deps.providers.open(kek)
  const described = await reading(async () => (await provider.describe()).isEnabled)
  if (described === 'confirmed') return 'confirmed'
  const { canary } = kek
  return reading(async () => {
    await journalledUnwrap(deps.journal, kek, (unwrapId) => openCanary(kek, canary, provider, unwrapId))
    return true
  })
}

async function reading(isServed: () => Promise<boolean>): Promise<SecondReading> {
  try {
    return (await isServed()) ? 'refuted' : 'confirmed'
  } catch (error) {
    if (error instanceof KekFault) return error.kind === 'revoked' ? 'confirmed' : 'open'
    // The KMS did serve it; what it returned is another alarm's matter.
    if (error instanceof EnvelopeError) return 'refuted'
    throw error
  }
}

/** {@link confirmRevocation}, one reading for all who meet the same KEK's refusal at a time. */
export class SecondReadings {
  readonly #deps: Deps
  readonly #underWay = new Map<string, Promise<SecondReading>>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  of(kek: Kek, fault: KekFault): Promise<SecondReading> {
    // A certain fault never waits for the reading of an uncertain one.
    if (!fault.isAmbiguous) return Promise.resolve('confirmed')
    const underWay = this.#underWay.get(kek.id)
    if (underWay !== undefined) return underWay
    const asked = confirmRevocation(this.#deps, kek, fault).finally(() => this.#underWay.delete(kek.id))
    this.#underWay.set(kek.id, asked)
    return asked
  }
}
