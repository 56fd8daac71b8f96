/** What a new Hasp says: its token, which from here on exists only as a digest, and the next three things to type. */
export function welcome(url: string, token: string): string {
  return `
This is a new Hasp. Its first organisation is called "default". Its admin token, shown this once:

  ${token}

The next three things to type, in another terminal:

  export HASP_URL=${url}; read -rs HASP_TOKEN; export HASP_TOKEN        # paste the token
  bin/hasp kek register --provider local --name trial --verify
  bin/hasp target add --provider openai --name openai --kek trial        # asks for the credential

then 'bin/hasp vkey issue --name my-agent --targets all' and point an SDK at ${url}/openai/v1.
'trial' is a key in a file on this machine; for your own AWS KMS key see 'bin/hasp kek register --help'.
`
}
