/** Text that is markup already. Only {@link markup} makes it, so that nothing else reaches a page unescaped. */
export class Markup {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  toString(): string {
    return this.#text
  }
}

type Part = Markup | string | number | null | false | undefined | readonly Part[]

/** A template whose values are escaped, unless they are markup themselves; lists are joined, nothing stays nothing. */
export function markup(template: TemplateStringsArray, ...values: readonly Part[]): Markup {
  return new Markup(template.reduce((text, literal, at) => text + markupOf(values[at - 1]) + literal))
}

function markupOf(part: Part): string {
  if (part === null || part === undefined || part === false) return ''
  if (part instanceof Markup) return part.toString()
  if (typeof part === 'object') return part.map(markupOf).join('')
  return escapeHtml(String(part))
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => escapes[character] ?? '')
}
