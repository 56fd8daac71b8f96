import { Refusal } from './refusal.ts'

export type OrganisationSharesOptions = Readonly<{
  /** Percent of a node's room that one organisation may take; 100 sets no bound of its own. */
  sharePercent: number
  /** Calls under way at once on this node, over all organisations. */
  callsMax: number
  /** Bodies held at once on this node, in bytes, over all organisations. */
  inFlightBytesMax: number
  /** Largest body taken, in bytes: one always fits. */
  bodyBytesMax: number
}>

/**
 * Keeps room on a node for every organisation, however much one of them asks for. A counter for each organisation
 * that ever called, which stays: nothing that comes and goes with a request (calls-in-flight.ts says why).
 */
export class OrganisationShares {
  readonly #callsMax: number
  readonly #bodyBytesMax: number
  readonly #shares = new Map<string, OrganisationShare>()

  constructor({ sharePercent, callsMax, inFlightBytesMax, bodyBytesMax }: OrganisationSharesOptions) {
    const part = sharePercent / 100
    this.#callsMax = sharePercent === 100 ? Infinity : Math.max(Math.floor(callsMax * part), 1)
    this.#bodyBytesMax = sharePercent === 100 ? Infinity : Math.max(inFlightBytesMax * part, bodyBytesMax)
  }

  /**
   * Counts a call until the seat is disposed of.
   * @throws {Refusal} `organisation_busy`
   */
  enter(orgId: string): Seat {
    let share = this.#shares.get(orgId)
    if (share === undefined) {
      share = new OrganisationShare(this.#bodyBytesMax)
      this.#shares.set(orgId, share)
    }
    if (share.calls >= this.#callsMax) throw new Refusal('organisation_busy')
    return new Seat(share)
  }
}

/** What one organisation has under way on this node. */
export class OrganisationShare {
  readonly #bodyBytesMax: number
  calls = 0
  bodyBytes = 0

  constructor(bodyBytesMax: number) {
    this.#bodyBytesMax = bodyBytesMax
  }

  hasRoomFor(bytes: number): boolean {
    return this.bodyBytes + bytes <= this.#bodyBytesMax
  }
}

/** A call's place in its organisation's share. */
class Seat implements Disposable {
  readonly share: OrganisationShare

  constructor(share: OrganisationShare) {
    this.share = share
    share.calls += 1
  }

  [Symbol.dispose](): void {
    this.share.calls -= 1
  }
}
