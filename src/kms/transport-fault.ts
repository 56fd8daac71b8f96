import type { ExchangeFailure } from './exchange-bytes.ts'
import { KekFault } from './kek-fault.ts'

/** What can go wrong without a cloud having answered, or with an answer that nothing can be read from. */
type TransportFaultCode = ExchangeFailure | 'malformed-reply'

type Names = Readonly<{
  /** Who did not answer, as its owner knows it. */
  service: string
  /** Whose name could not be resolved. */
  host: string
}>

/** The faults of the way to one cloud: whatever happens there, nobody has said anything about the KEK. */
export function transportFaultsOf({ host, service }: Names) {
  const messages: Readonly<Record<TransportFaultCode, string>> = {
    timeout: `${service} did not answer in time; nothing was changed. It will be tried again.`,
    aborted: `The call was given up before ${service} answered.`,
    'host-not-found': `The name of ${host} could not be resolved; nothing was changed. It will be tried again.`,
    'connection-failed': `${service} could not be reached; nothing was changed. It will be tried again.`,
    'malformed-reply': `${service} gave an answer that cannot be read; nothing was changed.`,
    'reply-too-large': `${service} gave an answer larger than any it should give; nothing was changed.`,
  }
  return (code: TransportFaultCode, kmsRequestId?: string): KekFault =>
    new KekFault('unreachable', code, messages[code], { kmsRequestId })
}
