/** What a new Hasp says: its token, which from here on exists only as a digest, and the next things to type. */
export function welcome({ url, token, hasp }: { url: string; token: string; hasp: string }): string {
  return `
This is a new Hasp. Its first organisation is called "default". Its admin token, shown this once:

  ${token}

In another terminal, type this, then paste the token (it is not shown) and press Enter:

  export HASP_URL=${url}; read -rs HASP_TOKEN; export HASP_TOKEN

The next three things to type there; the second asks for your OpenAI key:

  ${hasp} kek register --provider local --name trial --verify
  ${hasp} target add --provider openai --name openai --kek trial
  ${hasp} vkey issue --name my-agent --targets all

Then point an SDK at ${url}/openai/v1 with the token that the last one printed.

'trial' is a key in a file on this machine; for the key in your own KMS see '${hasp} kek register --help'.
No account at OpenAI? '${hasp} emulate openai' stands in for one.
`
}
