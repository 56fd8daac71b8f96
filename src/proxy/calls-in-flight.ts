/** What a call is lent on may be taken away while it runs; its caller is told what it was. */
export type Withdrawal = 'kek_revoked' | 'virtual_key_revoked' | 'target_deleted'

/** A change of an organisation: null for what it does not touch. */
export type Change = Readonly<{
  orgId: string
  kind: string
  kekId: string | null
  targetId: string | null
  virtualKeyId: string | null
}>

/** A call under way, as far as others may act on it. */
export interface OngoingCall {
  readonly kekId: string
  readonly orgId: string
  readonly targetId: string
  readonly virtualKeyId: string
  /** Whether its credential has left this process: until then nothing was lent. */
  readonly isCredentialSent: boolean
  /** Whether its KEK's rule is to cut streams when the KEK goes. */
  readonly isCutOnRevocation: boolean
  /** Where {@link CallsInFlight} keeps it; undefined while it does not. Nobody else's business. */
  place: number | undefined
  /** Ends it; the caller is told why, in its dialect. */
  cutOnRevocation(withdrawal: Withdrawal): void
  /** Ends it unsent, so that it is decided anew on what holds now. */
  decideAnew(): void
  /** Ends it because this node stops. */
  cutOnStop(): void
}

/**
 * Every call between its receipt and its end.
 *
 * An array and not a Set, because every request comes and goes: V8 links each table that a Set or Map outgrows to
 * the next one, so that once a table is in the old space all calls of all later tables outlive every minor
 * collection (more than a tenth of all CPU time, docs/performance.md).
 */
export class CallsInFlight {
  readonly #calls: OngoingCall[] = []
  readonly #max: number
  #onEmpty: (() => void) | undefined

  /** @param max calls under way at once, in sum. */
  constructor(max: number) {
    this.#max = max
  }

  get count(): number {
    return this.#calls.length
  }

  get isFull(): boolean {
    return this.#calls.length >= this.#max
  }

  /** Ids of the KEKs that calls under way depend on. */
  kekIds(): string[] {
    return [...new Set(this.#calls.map((call) => call.kekId))]
  }

  /** Ids of the virtual keys that calls under way were made with. */
  virtualKeyIds(): string[] {
    return [...new Set(this.#calls.map((call) => call.virtualKeyId))]
  }

  /** Ids of the targets that serve calls under way. */
  targetIds(): string[] {
    return [...new Set(this.#calls.map((call) => call.targetId))]
  }

  add(call: OngoingCall): void {
    call.place = this.#calls.push(call) - 1
  }

  /** The last call takes the place of the one that goes. */
  delete(call: OngoingCall): void {
    const { place } = call
    const last = this.#calls.at(-1)
    if (place === undefined || last === undefined) return
    this.#calls[place] = last
    last.place = place
    this.#calls.pop()
    call.place = undefined
    if (this.#calls.length === 0) this.#onEmpty?.()
  }

  /**
   * Cuts the calls of a revoked KEK. Its rule may be to let them end; that is for those whose credential has left.
   * @returns how many were cut.
   */
  cutKek(kekId: string): number {
    const cut = this.#calls.filter(
      (call) => call.kekId === kekId && (call.isCutOnRevocation || !call.isCredentialSent),
    )
    for (const call of cut) call.cutOnRevocation('kek_revoked')
    return cut.length
  }

  /** Cuts the calls of a revoked virtual key. @returns how many were cut. */
  cutVirtualKey(virtualKeyId: string): number {
    return this.#withdraw((call) => call.virtualKeyId === virtualKeyId, 'virtual_key_revoked')
  }

  /** Cuts the calls that a deleted target serves. @returns how many were cut. */
  cutTarget(targetId: string): number {
    return this.#withdraw((call) => call.targetId === targetId, 'target_deleted')
  }

  /**
   * Acts on a change of an organisation, once a KEK's suspension was acted on by {@link cutKek}: calls that it touches
   * and whose credential has not left are decided anew; others are cut where it takes away what they run on.
   * @returns how many were cut.
   */
  onChange({ orgId, kind, kekId, targetId, virtualKeyId }: Change): number {
    if (kind === 'virtual-key.revoked' && virtualKeyId !== null) return this.cutVirtualKey(virtualKeyId)
    if (kind === 'target.deleted' && targetId !== null) return this.cutTarget(targetId)
    return this.#withdraw(
      (call) =>
        call.orgId === orgId &&
        (kekId ?? call.kekId) === call.kekId &&
        (targetId ?? call.targetId) === call.targetId &&
        (virtualKeyId ?? call.virtualKeyId) === call.virtualKeyId,
      null,
    )
  }

  /** Changes may have been missed: whatever has not left is decided anew. */
  onGap(): void {
    this.#withdraw(() => true, null)
  }

  #withdraw(isConcerned: (call: OngoingCall) => boolean, withdrawal: Withdrawal | null): number {
    const concerned = this.#calls.filter(isConcerned)
    const sent = concerned.filter((call) => call.isCredentialSent)
    for (const call of concerned) if (!call.isCredentialSent) call.decideAnew()
    if (withdrawal === null) return 0
    for (const call of sent) call.cutOnRevocation(withdrawal)
    return sent.length
  }

  /** Waits for the calls under way to end; those left after `timeoutMs` are cut. @returns how many were cut. */
  async drain(timeoutMs: number): Promise<number> {
    if (this.count === 0) return 0
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#onEmpty = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    const left = [...this.#calls]
    for (const call of left) call.cutOnStop()
    return left.length
  }
}
