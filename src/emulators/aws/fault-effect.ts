/** What goes wrong. `reset` loses the request, `reset-reply` only the answer: the call was carried out and logged. */
export type FaultEffect =
  | Readonly<{ type: 'error'; code: string; httpStatus?: number; message?: string }>
  | Readonly<{ type: 'reset' | 'reset-reply' | 'hang' | 'malformed-body' | 'wrong-key-id' }>
  | Readonly<{ type: 'patch-reply'; members: Readonly<Record<string, unknown>> }>
