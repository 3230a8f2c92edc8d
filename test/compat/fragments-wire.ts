/**
 * What an old client sends for the fragments of its pages, what it makes of answers it can't use, and what it answers
 * when it is asked for fragments itself: the facts of docs/reference/protocols/medusa.md, without a gateway.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { header, type Recorded } from './recorder.ts'

/** An entry of an answer for fragments. */
type Entry = { readonly renderedHTML: string | null; readonly id: string }
/** What the recorder answers to a request for fragments; nothing lets it wait. */
export type AnswerFragments = (request: Recorded) => readonly [status: number, body: string] | undefined

export interface FragmentWire {
  readonly publicKey: string
  /** Where the service `one` listens. */
  readonly port: () => number
  readonly requests: () => readonly Recorded[]
  readonly answerWith: (answer: AnswerFragments) => void
}

/** What the client reads of an answer: the default of Spring's WebClient. */
const MOST_BYTES = 262_144
const PLACEHOLDER = /\$#FRGM-[A-Za-z0-9+]{60}/g

/** Makes the tests; the service is registered with the recorder when they run. */
export function fragmentWireTests({ publicKey, port, requests, answerWith }: FragmentWire): void {
  const openPage = async () => (await fetch(`http://127.0.0.1:${port()}/one/fragments`)).text()
  const placeholders = (html: string) => new Set(html.match(PLACEHOLDER)).size
  const answering = async (entries: (asked: readonly string[]) => readonly Entry[]) => {
    answerWith((request) => [200, JSON.stringify(entries(idsIn(request)))])
    return openPage()
  }

  test('a page asks for all its fragments in one post, with all its attributes', async () => {
    const html = await eventually(async () => {
      const page = await answering(([first = '', second = '']) => [
        { renderedHTML: '<i id="ts_hello">$& $1 \\ é</i>', id: first },
        { renderedHTML: null, id: second },
      ])
      assert.match(page, /ts_hello/)
      return page
    }, 10_000)
    assert.match(html, /<i id="ts_hello">\$& \$1 \\ é<\/i>/)
    assert.match(html, /<p id="nobody_down">nobody is down<\/p>/)

    const first = requests().filter(isForFragments).at(-1)!
    assert.equal(first.requestLine, `POST /h/discovery/${publicKey}/requestFragment HTTP/1.1`)
    assert.equal(header(first, 'content-type'), 'application/json')
    assert.equal(header(first, 'content-length'), String(first.body.length))
    assert.equal(header(first, 'accept'), '*/*')
    for (const name of ['cookie', 'authorization', 'accept-encoding', 'hydra-path'])
      assert.equal(header(first, name), undefined)
    const { attributes, requests: asked, ...more } = JSON.parse(first.body.toString())
    assert.deepEqual(more, {})
    assert.deepEqual(attributes, {
      message: 'Hello from one',
      items: [1, 2],
      since: [2026, 1, 2, 3, 4, 5],
    })
    assert.deepEqual(Object.keys(asked).sort(), ['greeter', 'nobody'])
    const [{ id, service, ref, fallback }] = asked.greeter
    assert.match(id, new RegExp(`^${PLACEHOLDER.source}$`))
    assert.deepEqual([service, ref], ['greeter', 'ts_hello'])
    assert.match(fallback, /^\s+<p id="ts_down">greeter is down<\/p>\s+$/)
    await openPage()
    assert.deepEqual(idsIn(requests().filter(isForFragments).at(-1)!), idsIn(first), 'made once per process')
  })

  test('visitors see placeholders where an answer is missing, late, too large or for another page', {
    timeout: 30_000,
  }, async () => {
    const shown = '<p>shown</p>'
    const one = await answering(([first = '']) => [{ renderedHTML: shown, id: first }])
    assert.ok(one.includes(shown))
    assert.equal(placeholders(one), 1)

    const foreign = await answering(([first = '']) => [
      { renderedHTML: shown, id: first },
      { renderedHTML: null, id: 'of another page' },
    ])
    assert.ok(!foreign.includes(shown))
    assert.equal(placeholders(foreign), 2)

    answerWith(() => [500, '[]'])
    assert.equal(placeholders(await openPage()), 2)

    answerWith(() => undefined)
    const beganMs = performance.now()
    assert.equal(placeholders(await openPage()), 2)
    assert.ok(performance.now() - beganMs > 1900, 'it waited for its 2 s')

    for (const [bytes, left] of [
      [MOST_BYTES, 0],
      [MOST_BYTES + 1, 2],
    ] as const) {
      answerWith((request) => [200, padded(idsIn(request), bytes)])
      assert.equal(placeholders(await openPage()), left, `an answer of ${bytes} bytes`)
    }
  })

  test('it renders fragments for others, in several entries, all or none', async () => {
    const ask = async (key: string, body: unknown) => {
      const response = await fetch(`http://127.0.0.1:${port()}/h/fragment/${key}/requestFragment`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      return { status: response.status, text: await response.text() }
    }
    const hello = (id: string) => ({ id, service: 'one', ref: 'one_hello', fallback: '', imports: [] })
    const attributes = { message: 'Hello & <welcome>', price: 38 }

    const { status, text } = await ask(publicKey, { attributes, requests: [hello('1'), hello('2')] })
    assert.equal(status, 200)
    const entries: Entry[] = JSON.parse(text)
    for (const id of ['1', '2']) {
      const html = entries
        .filter((entry) => entry.id === id)
        .map(({ renderedHTML }) => renderedHTML)
        .join('')
      assert.match(html, /id="one_hello"/)
      assert.match(html, /Hello &amp; &lt;welcome&gt;/)
    }
    assert.deepEqual(await ask('wrong', { attributes, requests: [hello('1')] }), { status: 404, text: '[]' })
    const unknown = { ...hello('2'), ref: 'nothing' }
    assert.equal((await ask(publicKey, { attributes, requests: [hello('1'), unknown] })).status, 500)
    assert.equal((await ask(publicKey, { attributes: null, requests: [hello('1')] })).status, 500)
    const pad = (bytes: number) => ({ attributes: { pad: 'x'.repeat(bytes) }, requests: [hello('1')] })
    const room = MOST_BYTES - JSON.stringify(pad(0)).length
    assert.equal((await ask(publicKey, pad(room))).status, 200)
    assert.equal((await ask(publicKey, pad(room + 1))).status, 500)
  })
}

function isForFragments({ requestLine }: Recorded): boolean {
  return requestLine.includes('/requestFragment')
}

/** The ids asked for, the one of `greeter` first. */
function idsIn({ body }: Recorded): string[] {
  const { requests } = JSON.parse(body.toString()) as { requests: Record<string, { id: string }[]> }
  return ['greeter', 'nobody'].flatMap((service) => (requests[service] ?? []).map(({ id }) => id))
}

/** An answer for all of them of exactly so many bytes. */
function padded(ids: readonly string[], bytes: number): string {
  const answer = (html: string) => JSON.stringify(ids.map((id, i) => ({ renderedHTML: i ? '' : html, id })))
  return answer('x'.repeat(bytes - answer('').length))
}
