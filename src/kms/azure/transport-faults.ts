import type { ExchangeFailure } from '#kms/exchange-bytes.ts'
import { KekFault } from '#kms/kek-fault.ts'

/** What can go wrong without Azure having answered, or with an answer that nothing can be read from. */
export type TransportFaultCode = ExchangeFailure | 'malformed-reply'

const MESSAGES: Readonly<Record<TransportFaultCode, string>> = {
  timeout: 'Azure did not answer in time; nothing was changed. It will be tried again.',
  aborted: 'The call was given up before Azure answered.',
  'host-not-found':
    'The name of the vault could not be resolved; nothing was changed. It will be tried again.',
  'connection-failed': 'Azure could not be reached; nothing was changed. It will be tried again.',
  'malformed-reply': 'Azure gave an answer that cannot be read; nothing was changed.',
  'reply-too-large': 'Azure gave an answer larger than any it should give; nothing was changed.',
}

export function transportFault(code: TransportFaultCode, kmsRequestId?: string): KekFault {
  return new KekFault('unreachable', code, MESSAGES[code], { kmsRequestId })
}
