import type { XmlMembers } from './sts-service.ts'

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'

/** A Query-protocol answer. */
export function xmlReply(action: string, members: XmlMembers, requestId: string): string {
  return `<${action}Response xmlns="${NAMESPACE}"><${action}Result>${elements(members)}</${action}Result><ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${action}Response>`
}

/** A Query-protocol refusal. */
export function xmlError(
  error: { code: string; message: string; httpStatus: number },
  requestId: string,
): string {
  const type = error.httpStatus >= 500 ? 'Receiver' : 'Sender'
  return `<ErrorResponse xmlns="${NAMESPACE}"><Error>${elements({ Type: type, Code: error.code, Message: error.message })}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`
}

function elements(members: XmlMembers): string {
  return Object.entries(members)
    .map(
      ([name, value]) =>
        `<${name}>${typeof value === 'string' ? escapeXml(value) : elements(value)}</${name}>`,
    )
    .join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (symbol) => entities[symbol] ?? symbol)
}
