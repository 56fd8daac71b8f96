import { createHash, timingSafeEqual } from 'node:crypto'

/** The credentials a mock provider lets in. Holds digests only, so that its memory never shows a secret. */
export class AcceptedCredentials {
  #digests: Buffer[] = []

  constructor(secrets: readonly string[] = []) {
    this.set(secrets)
  }

  /** Replaces the whole set; takes effect for the next request. */
  set(secrets: readonly string[]): void {
    this.#digests = secrets.map(sha256)
  }

  /** Compares with every member, in constant time for each, and never stops early. */
  has(presented: string): boolean {
    const digest = sha256(presented)
    let isAccepted = false
    for (const accepted of this.#digests) isAccepted = timingSafeEqual(digest, accepted) || isAccepted
    return isAccepted
  }
}

function sha256(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
