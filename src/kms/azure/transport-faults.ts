import { transportFaultsOf } from '#kms/transport-fault.ts'

/** What went wrong on the way to a vault or to Entra. */
export const transportFault = transportFaultsOf({ service: 'Azure', host: 'the vault' })
