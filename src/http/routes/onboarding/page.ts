import type { KekGrant } from '#keks/access.ts'
import { isOutOfUse, type Kek } from '#keks/kek.ts'
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
  const { organisation, kek, link, notice } = view
  const isInUse = !isOutOfUse(kek.state)
  return page(
    `Grant access to one key: ${kek.name}`,
    markup`<header>
        <p>Hasp, for “${organisation}”</p>
        <h1>${isInUse ? 'Let Hasp use one key of yours' : 'Take back what you granted Hasp'}</h1>
      </header>
      <p>
        ${
          isInUse
            ? `“${organisation}” keeps credentials of LLM providers in Hasp, sealed under this key. The key stays in your KMS. ${useOf(kek)}`
            : `“${organisation}” uses this key no more: nothing is sealed under it, and Hasp asks nothing of your KMS.`
        }
      </p>
      ${
        notice === undefined
          ? null
          : markup`<div class="notice ${notice.tone}" role="status"><p>${notice.text}</p></div>`
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
      ${isInUse ? steps(view) : takeBack(view)}
      <footer>
        <p>
          Whoever has this link can see this page${isInUse ? ' and have the key verified' : ''}, and nothing else.
          “${organisation}” can end it at any time.
        </p>
      </footer>`,
  )
}

/** How often the KMS is asked, and with it how soon taking the right away takes effect (docs/revocation.md). */
function useOf({ unwrapMode, cacheCeilingMs }: Kek): string {
  if (unwrapMode === 'cached') {
    return `Each answer of your KMS opens credentials for at most ${cacheCeilingMs / 1000} seconds; after that, Hasp opens nothing once you took the right away.`
  }
  const shared = unwrapMode === 'shared' ? '; requests at the same moment share one answer' : ''
  return `Hasp asks your KMS each time it opens a credential${shared}, and opens nothing once you take the right away.`
}

function steps({ kek, grant, path, last, logSeenAt }: OnboardingView): Markup {
  return markup`<h2 id="grant">1. Grant</h2>
    <p>${grant.summary}</p>
    <p class="hint">Three forms that come to the same. Take one.</p>
    ${forms(grant)}
    <h2 id="verify">2. Verify</h2>
    <p>
      Hasp makes real calls to your KMS, which your own log shows: it wraps and unwraps, and it tries what
      it should not be able to do. Nothing of yours is changed.
    </p>
    <form method="post" action="${path}/verify" data-busy="Verifying…">
      <button>Verify now</button>
    </form>
    ${last === undefined ? markup`<p class="hint">Not verified yet.</p>` : verificationSection(last, kek.state)}
    ${grant.logCheck === undefined ? null : logSection({ path, last, logSeenAt }, grant.logCheck)}`
}

function takeBack({ grant }: OnboardingView): Markup {
  return markup`<h2 id="grant">What you granted</h2>
    <p>
      Whatever of this you put in place can go: nobody needs it any more. The key itself is yours to keep or to delete.
    </p>
    ${forms(grant)}`
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
            ${documents.length === 1 ? markup`<span></span>` : markup`<h3>${document.title}</h3>`}
            <button type="button" class="quiet" data-copies="${name}-${at}" hidden>Copy</button>
          </div>
          <pre tabindex="0" id="${name}-${at}">${document.body}</pre>`,
    )}
  </details>`
}

function logSection(
  { path, last, logSeenAt }: Pick<OnboardingView, 'path' | 'last' | 'logSeenAt'>,
  logCheck: LogCheck,
): Markup {
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
