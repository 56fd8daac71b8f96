import { withHint } from '#cli/api/api-problem.ts'
import type { ApiClient } from '#cli/api/client.ts'
import type { Kek } from '#cli/api/replies.ts'
import { nextStepOf } from '#cli/kek/next-step.ts'
import { isOutOfUse } from '#keks/kek.ts'

/** Waits for `answer`; where nothing can be sealed under the KEK `kekId`, its refusal says what to do about that KEK. */
export function withKekHint<Answer>(
  api: Pick<ApiClient, 'get'>,
  kekId: string,
  answer: Promise<Answer>,
): Promise<Answer> {
  return withHint(answer, async (code) => {
    if (code !== 'target_kek_not_active') return undefined
    // Only a hint: what was refused is told also where this can not be read.
    const kek = await api.get<Kek>(`/keks/${kekId}`).catch(() => undefined)
    if (kek === undefined) return undefined
    return isOutOfUse(kek.state) ? 'Seal it under another KEK: hasp kek list' : nextStepOf(kek, 'hasp')
  })
}
