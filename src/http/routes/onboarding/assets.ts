import { createHash } from 'node:crypto'

/** The page's only style. Within the page, so that it loads nothing from anywhere. */
export const style = `
:root { color-scheme: light dark; --ink: #1c2024; --soft: #5b636b; --paper: #fff; --panel: #f5f6f7; --line: #d9dde1;
  --link: #0b5cad; --good: #14713d; --bad: #b3261e; --warn: #8a5300; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #a5adb5; --paper: #16191c; --panel: #1f2428;
  --line: #383f45; --link: #79b8ff; --good: #6fd197; --bad: #ff8a80; --warn: #f0b45a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 52rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
header p { margin: 0; color: var(--soft); }
h1 { margin: .25rem 0 1rem; font-size: 1.6rem; line-height: 1.25; }
h2 { margin: 2.5rem 0 .75rem; font-size: 1.2rem; }
h3 { margin: 1.25rem 0 .5rem; font-size: 1rem; }
p { overflow-wrap: anywhere; }
a { color: var(--link); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1.25rem; margin: 1rem 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
code, pre, textarea { font: .85rem/1.5 ui-monospace, monospace; }
pre { margin: 0; padding: .85rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--panel); border: 1px solid var(--line);
  border-radius: .4rem; }
details { margin: .6rem 0; border: 1px solid var(--line); border-radius: .5rem; padding: 0 1rem; }
details[open] { padding-bottom: 1rem; }
summary { padding: .7rem 0; font-weight: 600; cursor: pointer; }
.document { display: flex; align-items: center; justify-content: space-between; gap: 1rem; margin: 0 0 .4rem; }
pre + .document { margin-top: 1rem; }
.document h3 { margin: 0; }
button { padding: .55rem 1.1rem; border: 1px solid var(--link); border-radius: .4rem; background: var(--link);
  color: var(--paper); font: inherit; font-weight: 600; cursor: pointer; }
button.quiet { padding: .2rem .7rem; background: none; color: var(--link); font-size: .85rem; font-weight: 400; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
textarea { width: 100%; padding: .7rem; border: 1px solid var(--line); border-radius: .4rem; background: var(--panel);
  color: inherit; resize: vertical; }
label { display: block; margin: .75rem 0 .35rem; font-weight: 600; }
.hint { color: var(--soft); }
.notice { margin: 1rem 0; padding: .75rem 1rem; border: 1px solid; border-left-width: .35rem; border-radius: .4rem; }
.notice p { margin: 0; } .notice .hint { color: var(--soft); }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.notice p + p, .notice .body { margin-top: .35rem; color: var(--ink); }
ul.checks { list-style: none; margin: 1rem 0; padding: 0; }
ul.checks li { display: grid; grid-template-columns: 1.6rem 1fr; padding: .4rem 0; border-top: 1px solid var(--line); }
ul.checks li > span { font-weight: 700; }
ul.checks small { display: block; color: var(--soft); overflow-wrap: anywhere; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .9rem; }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .6rem; }
  h1 { font-size: 1.35rem; } form > button { width: 100%; } }
`

/** Copy buttons, where the browser runs scripts; without them the text can be selected. */
export const script = `
for (const button of document.querySelectorAll('button[data-copies]')) {
  button.hidden = false
  button.addEventListener('click', async () => {
    const said = button.textContent
    try {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent)
      button.textContent = 'Copied'
    } catch {
      button.textContent = 'Select and copy by hand'
    }
    setTimeout(() => { button.textContent = said }, 2000)
  })
}
for (const form of document.querySelectorAll('form[data-busy]')) {
  form.addEventListener('submit', () => {
    const button = form.querySelector('button')
    button.disabled = true
    button.textContent = form.dataset.busy
  })
}
`

/**
 * Whatever is not in the page itself is not loaded, run or sent anywhere; the address, which is the secret, goes to
 * nobody as a referrer and stays in no cache.
 */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    `style-src '${digestOf(style)}'`,
    `script-src '${digestOf(script)}'`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex, nofollow',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'clipboard-write=(self)',
} as const

function digestOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
