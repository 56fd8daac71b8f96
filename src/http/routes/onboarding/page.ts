import type { KekGrant } from '#keks/access.ts'
import type { Kek } from '#keks/kek.ts'
import type { OnboardingLink } from '#keks/onboarding-link.ts'
import type { VerificationRecord } from '#keks/verification.ts'
import type { GrantDocument, LogCheck } from '#kms/kek-grant-linter.ts'
import { script, style } from './assets.ts'
import { markup, Markup } from './markup.ts'
import { verificationSection } from './verification-section.ts'

export type OnboardingView = Readonly<{
  organisation: string
  kek: Kek
  grant: KekGrant
  link: Pick<OnboardingLink, 'expiresAt'>
  /** Path of this page, which holds the token. */
  path: string
  last: VerificationRecord | undefined
  logSeenAt: Date | null
  /** What came of the last thing that was asked of this page. */
  notice?: Readonly<{ tone: 'good' | 'bad'; text: string }> | undefined
}>

/** Everything that whoever grants needs, on one page that needs no account, no script and no other address. */
export function onboardingPage(view: OnboardingView): string {
  const { organisation, kek, grant, link, path, last } = view
  const isOpen = ['pre-activation', 'active', 'suspended'].includes(kek.state)
  return page(
    `Grant access to one key: ${kek.name}`,
    markup`<header>
        <p>Hasp, for “${organisation}”</p>
        <h1>Let Hasp use one key of yours</h1>
      </header>
      <p>
        “${organisation}” keeps credentials of LLM providers in Hasp, sealed under this key. The key stays in
        your KMS. Hasp asks your KMS each time it opens a credential, and opens nothing once you take the
        right away.
      </p>
      ${
        view.notice === undefined
          ? null
          : markup`<div class="notice ${view.notice.tone}" role="status"><p>${view.notice.text}</p></div>`
      }
      <dl>
        <dt>Name</dt>
        <dd>${kek.name}</dd>
        <dt>Key</dt>
        <dd><code>${kek.kekRef}</code></dd>
        <dt>State</dt>
        <dd>${stateWords[kek.state]}</dd>
        <dt>This link ends</dt>
        <dd>${moment(link.expiresAt)}</dd>
      </dl>
      <h2 id="grant">1. Grant</h2>
      <p>${grant.summary}</p>
      <p class="hint">Three forms that come to the same. Take one.</p>
      ${forms(grant)}
      <h2 id="verify">2. Verify</h2>
      <p>
        Hasp makes real calls to your KMS, which your own log shows: it wraps and unwraps, and it tries what
        it should not be able to do. Nothing of yours is changed.
      </p>
      ${
        isOpen
          ? markup`<form method="post" action="${path}/verify" data-busy="Verifying…">
              <button>Verify now</button>
            </form>`
          : markup`<p>This key is out of use at Hasp: there is nothing to verify.</p>`
      }
      ${last === undefined ? markup`<p class="hint">Not verified yet.</p>` : verificationSection(last, kek.state)}
      ${grant.logCheck === undefined ? null : logSection(view, grant.logCheck)}
      <footer>
        <p>
          Whoever has this link can see this page and have the key verified, and nothing else.
          “${organisation}” can end it at any time.
        </p>
      </footer>`,
  )
}

/** For whatever went wrong before there was anything to show. */
export function plainPage(title: string, text: string): string {
  return page(
    title,
    markup`<header>
        <p>Hasp</p>
        <h1>${title}</h1>
      </header>
      <p>${text}</p>`,
  )
}

function page(title: string, body: Markup): string {
  // Style and script to the byte as their digests in the Content-Security-Policy have them.
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<main>
${body}
</main>
<script>${new Markup(script)}</script>
</body>
</html>
`.toString()
}

function forms({ terraform, cli, documents }: KekGrant): Markup[] {
  return [
    ...(terraform === undefined ? [] : [form('Terraform', [terraform], true)]),
    ...(cli === undefined ? [] : [form(cli.title, [cli], terraform === undefined)]),
    ...(documents.length === 0 ? [] : [form('Raw policies', documents, false)]),
  ]
}

function form(title: string, documents: readonly GrantDocument[], isOpen: boolean): Markup {
  const name = title.toLowerCase().replaceAll(/[^a-z]+/g, '-')
  return markup`<details ${isOpen ? 'open' : ''}>
    <summary>${title}</summary>
    ${documents.map(
      (document, at) =>
        markup`<div class="document">
            <h3>${documents.length === 1 ? '' : document.title}</h3>
            <button type="button" class="quiet" data-copies="${name}-${at}" hidden>Copy</button>
          </div>
          <pre tabindex="0" id="${name}-${at}">${document.body}</pre>`,
    )}
  </details>`
}

function logSection({ path, last, logSeenAt }: OnboardingView, logCheck: LogCheck): Markup {
  return markup`<h2 id="log">3. See it in your own log</h2>
    <p>Hasp cannot read your log, and does not ask to. Look for yourself:</p>
    <div class="document">
      <h3>In a shell</h3>
      <button type="button" class="quiet" data-copies="log-check" hidden>Copy</button>
    </div>
    <pre tabindex="0" id="log-check">${logCheck.command}</pre>
    <p>${logCheck.note}</p>
    ${
      logSeenAt === null
        ? null
        : markup`<div class="notice good">
            <p>Your log was seen to hold a call of Hasp’s on ${moment(logSeenAt)}.</p>
          </div>`
    }
    ${
      last === undefined
        ? null
        : markup`<form method="post" action="${path}/log-event">
            <label for="event">Compare an event (optional)</label>
            <p class="hint" id="event-hint">
              Paste one event of the verification as JSON. Hasp looks for its own request id in it and keeps
              nothing else.
            </p>
            <textarea
              id="event"
              name="event"
              rows="5"
              required
              maxlength="60000"
              spellcheck="false"
              aria-describedby="event-hint"
            ></textarea>
            <p><button class="quiet">Compare</button></p>
          </form>`
    }`
}

const stateWords: Readonly<Record<Kek['state'], string>> = {
  'pre-activation': 'Waiting for your grant',
  active: 'In use',
  suspended: 'Suspended: your KMS refuses it',
  deactivated: 'Out of use',
  compromised: 'Out of use',
  destroyed: 'Out of use',
}

function moment(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
