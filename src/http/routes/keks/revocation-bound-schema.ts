import { Type } from 'typebox'
import { streamRules, type StreamRule } from '#keks/kek.ts'
import { Nullable } from '#http/schemas.ts'

const Milliseconds = Type.Integer({ minimum: 0 })

/** How soon taking the key away takes effect, by the KEK's present rules (src/keks/revocation-bound.ts). */
export const RevocationBoundReply = Type.Object(
  {
    cloud: Type.Object(
      {
        boundMs: Milliseconds,
        usually: Type.String(),
        exceptionally: Nullable(Type.String()),
        quickest: Type.String({ description: 'The lever that acts soonest.' }),
        source: Nullable(Type.String()),
      },
      { description: 'From the cloud’s answer to its refusing the key: what the cloud itself says.' },
    ),
    haspMs: Type.Integer({
      minimum: 0,
      description: 'From the KMS’s first refusal: how long a new request may still be served.',
    }),
    newRequestsMs: Type.Integer({ minimum: 0, description: 'cloud.boundMs + haspMs' }),
    idleNoticeMs: Nullable(
      Type.Integer({
        minimum: 0,
        description: 'From the KMS’s first refusal: when the probe tells; null where it is off.',
      }),
    ),
    streams: Type.Object({
      rule: Type.Unsafe<StreamRule>({ type: 'string', enum: [...streamRules] }),
      endMs: Nullable(
        Type.Integer({
          minimum: 0,
          description:
            'From the KMS’s first refusal: how long a stream may go on where no request comes; null: to its own end.',
        }),
      ),
    }),
  },
  { title: 'RevocationBound' },
)
