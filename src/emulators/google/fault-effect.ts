import type { StatusDetails, StatusName } from './wire/status-error.ts'

/**
 * What goes wrong. `reset` loses the request, `reset-reply` only the answer: the call was carried out and logged.
 * `damaged-reply` flips a bit of plaintext or ciphertext on its way out, `damaged-request` says that one was flipped
 * on its way in; `wrong-key` names another key in the answer.
 */
export type FaultEffect =
  | Readonly<{ type: 'error'; code: StatusName; message?: string } & StatusDetails>
  | Readonly<{
      type:
        | 'reset'
        | 'reset-reply'
        | 'hang'
        | 'malformed-body'
        | 'damaged-reply'
        | 'damaged-request'
        | 'wrong-key'
    }>
