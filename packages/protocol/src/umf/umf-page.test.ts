import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { formatAddress, parseAddress } from './address.ts'
import { parseUmf } from './read.ts'
import { replyTo } from './reply.ts'
import { source } from './testing/original.ts'
import { formatUmf, signedText, toLong, toShort } from './write.ts'

const page = readFileSync(new URL('../../../../docs/reference/protocols/umf.md', import.meta.url), 'utf8')

function example(name: string): string {
  return new RegExp(`\`\`\`json ${name}\\n([^\`]*)\n\`\`\``).exec(page)![1]!
}

const question = parseUmf(example('short'), source)

/** Cells of the rows below a heading of the page. */
function rows(head: string): readonly (readonly string[])[] {
  const table = page.slice(page.indexOf(head)).split('\n\n')[0]!
  return table
    .split('\n')
    .slice(2)
    .map((row) => row.split(' |').map((cell) => cell.replace(/^\| ?/, '').replaceAll('`', '').trim()))
}

test('the page shows a message with short and with long names, in the order they are written', () => {
  assert.deepEqual(parseUmf(example('long'), source), question)
  assert.equal(formatUmf(question), JSON.stringify(JSON.parse(example('short'))))
  assert.equal(JSON.stringify(toLong(question)), JSON.stringify(JSON.parse(example('long'))))
})

test('the page lists every name, in the order they are written', () => {
  const all = {
    ...question,
    headers: { a: 'b' },
    rmid: 'r',
    signature: 's',
    timeout: 1,
    via: 'v:/',
    forward: 'f:/',
    authorization: 'a',
  }
  const names = rows('| long | short |')
  assert.deepEqual(
    names.map(([long]) => long),
    Object.keys(toLong(all)),
  )
  assert.deepEqual(
    names.map(([, short]) => short),
    Object.keys(toShort(all)),
  )
})

test('the addresses on the page are read as it says', () => {
  const listed = rows('| address | service |')
  assert.equal(listed.length, 7)
  for (const [text, service, instance, subid, method, path] of listed) {
    const read = parseAddress(text!)
    assert.deepEqual(
      [read.service, read.instance ?? '', read.subid ?? '', read.method ?? '', read.path],
      [service, instance, subid, method, path],
    )
    assert.equal(formatAddress(read), text)
  }
})

test('the answer on the page is one to the message on the page', () => {
  const answer = parseUmf(example('answer'), source)
  const { mid, timestamp, type, body } = answer
  assert.deepEqual(
    replyTo({ ...question, via: answer.via! }, { mid, timestamp, type: type!, body }, source),
    answer,
  )
})

test('the signature on the page is that of the message on the page', () => {
  assert.equal(signedText(question), example('signed'))
  const secret = /secret `([^`]+)`/.exec(page)![1]!
  assert.ok(page.includes(createHmac('sha256', secret).update(example('signed')).digest('hex')))
})
