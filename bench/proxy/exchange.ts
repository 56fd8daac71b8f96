/** The provider credential of the bench; upstreams refuse every other. */
export const credential = 'sk-bench-0f1e2d3c4b5a69788796a5b4c3d2e1f0'

/** The path of every request at the upstream. */
export const upstreamPath = '/v1/chat/completions'

const messages = [
  { role: 'system', content: 'You are a helpful assistant that answers briefly and to the point.' },
  { role: 'user', content: 'In which year was the Peace of Westphalia signed, and where?' },
]

export const requestBody = JSON.stringify({ model: 'gpt-4o-mini', messages, temperature: 0.2 })
export const streamRequestBody = JSON.stringify({ model: 'gpt-4o-mini', messages, stream: true })

/** A chat completion of this many bytes. */
const replyBytes = 570
export const replyBody = paddedReply()

/** One server-sent event of a stream, about as long as OpenAI's. */
export const streamEvent = `data: ${JSON.stringify({
  id: 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT',
  object: 'chat.completion.chunk',
  created: 1_741_569_952,
  model: 'gpt-4o-mini-2024-07-18',
  choices: [{ index: 0, delta: { content: ' Westphalia' }, finish_reason: null }],
})}\n\n`

function paddedReply(): string {
  const reply = (content: string) =>
    JSON.stringify({
      id: 'chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT',
      object: 'chat.completion',
      created: 1_741_569_952,
      model: 'gpt-4o-mini-2024-07-18',
      choices: [{ index: 0, message: { role: 'assistant', content }, logprobs: null, finish_reason: 'stop' }],
      usage: { prompt_tokens: 36, completion_tokens: 18, total_tokens: 54 },
      service_tier: 'default',
    })
  const sentence = 'It was signed in 1648, in two cities of Westphalia. '
  return reply(sentence.repeat(20).slice(0, replyBytes - reply('').length))
}
