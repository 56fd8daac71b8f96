import type { Kek } from '#cli/api/replies.ts'
import { shellWord } from '#cli/output/words.ts'

/** What is to be done about a KEK as it stands; undefined where nothing is. @param hasp what people type for it. */
export function nextStepOf(
  { name, state, stateReason, provider, verification }: Kek,
  hasp: string,
): string | undefined {
  const kek = shellWord(name)
  const verify = `${hasp} kek verify ${kek}`
  switch (state) {
    case 'pre-activation':
      return `Not in use yet. Put in place what the first prints, then prove it:\n  ${hasp} kek grant ${kek}\n  ${verify}`
    case 'suspended':
      return `Your KMS refuses it${stateReason === null ? '' : ` (${stateReason})`}, and so does Hasp. Give it back in your KMS: Hasp notices by itself within seconds, or at once by\n  ${verify}`
    case 'active':
      if (provider === 'local' || verification == null || verification.verdict === 'least') return undefined
      return `What is wrong with the grant, and what mends it, is told by\n  ${verify}`
    default:
      return 'Out of use for good: whatever you granted for it may go.'
  }
}
