const modelCharsMax = 256

/** What Hasp reads of a request's body. */
export type RequestedModel = Readonly<{ model: string | undefined; isStream: boolean }>

/** Whether `model` may be a model's name: 1 to 256 characters of printable ASCII. */
export function isModelName(model: string): boolean {
  if (model === '' || model.length > modelCharsMax) return false
  for (let at = 0; at < model.length; at++) {
    const code = model.charCodeAt(at)
    if (code < 0x20 || code > 0x7e) return false
  }
  return true
}
