/**
 * What goes wrong. `reset` loses the request, `reset-reply` only the answer: the call was carried out and logged.
 * `page` is the answer of something on the way, in HTML.
 */
export type AzureFaultEffect =
  | Readonly<{
      type: 'error'
      httpStatus: number
      code: string
      innerCode?: string
      message?: string
      retryAfterSeconds?: number
    }>
  | Readonly<{ type: 'entra-error'; httpStatus?: number; aadsts: number }>
  | Readonly<{ type: 'page'; httpStatus: number }>
  | Readonly<{ type: 'reset' | 'reset-reply' | 'hang' | 'malformed-body' | 'wrong-key-id' | 'redirect' }>
