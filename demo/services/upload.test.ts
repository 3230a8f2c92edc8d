import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { readForm, readRaw, UploadError } from './upload.ts'

const TYPE = 'multipart/form-data; boundary=pond'
const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex')

/** A form as browsers send it: a field, a file, a second file. */
function form(content: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from('--pond\r\nContent-Disposition: form-data; name="note"\r\n\r\nfrom the garden'),
    Buffer.from('\r\n--pond\r\nContent-Disposition: form-data; name="file"; filename="a b.png"\r\n'),
    Buffer.from('Content-Type: image/png\r\n\r\n'),
    content,
    Buffer.from('\r\n--pond\r\nContent-Disposition: form-data; name="file"; filename="c"\r\n\r\nsecond'),
    Buffer.from('\r\n--pond--\r\n'),
  ])
}

/** The same bytes in pieces. */
function pieces(bytes: Buffer, size: number): Readable {
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size))
  return Readable.from(chunks)
}

test('a file in a form arrives whole, however it was cut on its way', async () => {
  // Contents that look like the beginning of a delimiter are the hard ones.
  const tricky = fc
    .array(fc.constantFrom('\r\n', '--', 'pond', '\r\n--pon', '-', '\r', 'x'))
    .map((parts) => parts.join(''))
  await fc.assert(
    fc.asyncProperty(tricky, fc.integer({ min: 1, max: 200 }), async (text, size) => {
      fc.pre(!text.includes('\r\n--pond') && !`\r\n${text}`.includes('\r\n--pond'))
      const content = Buffer.from(text)
      assert.deepEqual(await readForm(pieces(form(content), size), TYPE), {
        name: 'a b.png',
        type: 'image/png',
        sizeBytes: content.length,
        sha256: sha256(content),
      })
    }),
  )
})

test('a form that is cut, has no file or is no form is refused', async () => {
  const whole = form(Buffer.from('content'))
  for (const [body, type] of [
    [whole.subarray(0, -8), TYPE],
    [Buffer.from('--pond\r\nContent-Disposition: form-data; name="note"\r\n\r\nx\r\n--pond--'), TYPE],
    [Buffer.from('--pond--\r\n'), TYPE],
    [Buffer.from(''), TYPE],
    [whole, 'application/json'],
    [Buffer.concat([Buffer.from('--pond\r\n'), Buffer.alloc(20_000, 'h')]), TYPE],
  ] as const) {
    await assert.rejects(readForm(pieces(body, 1000), type), UploadError)
  }
})

test('a raw body arrives whole', async () => {
  const content = Buffer.alloc(100_000, 7)
  assert.deepEqual(await readRaw(pieces(content, 777), 'pond.bin', 'image/png'), {
    name: 'pond.bin',
    type: 'image/png',
    sizeBytes: 100_000,
    sha256: sha256(content),
  })
})
