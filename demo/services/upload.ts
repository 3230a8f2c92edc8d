/**
 * Reads an upload as it arrives, keeping nothing but its size and its SHA-256: a body of any length takes no more
 * memory than a short one.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'

export interface Upload {
  readonly name: string
  readonly type: string
  readonly sizeBytes: number
  /** Lower-case hex. */
  readonly sha256: string
}

/** A body that can't be read as what it says it is. */
export class UploadError extends Error {}

/** RFC 2046 gives no limit for the head of a part; a browser's fits many times. */
const MAX_PART_HEAD_BYTES = 8192

/** Reads a raw body. */
export async function readRaw(
  body: Readable,
  name: string,
  type = 'application/octet-stream',
): Promise<Upload> {
  const file = measure()
  for await (const chunk of body as AsyncIterable<Buffer>) file.add(chunk)
  return { name, type, ...file.result() }
}

/**
 * Reads `multipart/form-data` (RFC 7578) to its end and returns its first file; other fields are passed over.
 *
 * @throws UploadError when it is no such body, is cut, or has no file.
 */
export async function readForm(body: Readable, contentType: string): Promise<Upload> {
  const boundary = /^multipart\/form-data;.*?\bboundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType)
  if (!boundary) throw new UploadError('not a form with a file')
  const delimiter = Buffer.from(`\r\n--${boundary[1] ?? boundary[2]}`)
  const file = measure()
  let found: { name: string; type: string } | undefined
  let place: 'head' | 'file' | 'other' | 'end' = 'other'
  // The first delimiter has no line break before it; then it looks like all others.
  let rest = Buffer.from('\r\n')

  for await (const chunk of body as AsyncIterable<Buffer>) {
    if (place === 'end') continue
    rest = Buffer.concat([rest, chunk])
    for (;;) {
      if (place === 'head') {
        if (rest.length >= 2 && rest.toString('latin1', 0, 2) === '--') {
          place = 'end'
          break
        }
        const end = rest.indexOf('\r\n\r\n')
        if (end < 0) {
          if (rest.length > MAX_PART_HEAD_BYTES) throw new UploadError('a part has too long a head')
          break
        }
        const part = readHead(rest.toString('utf8', 0, end))
        rest = rest.subarray(end + 4)
        place = part && !found ? 'file' : 'other'
        if (place === 'file') found = part
      }
      const at = rest.indexOf(delimiter)
      // Without a delimiter everything is content, but for what may be the beginning of one.
      const content = at < 0 ? Math.max(0, rest.length - delimiter.length + 1) : at
      if (place === 'file') file.add(rest.subarray(0, content))
      rest = rest.subarray(at < 0 ? content : at + delimiter.length)
      if (at < 0) break
      place = 'head'
    }
  }
  if (place !== 'end') throw new UploadError('the form was cut')
  if (!found) throw new UploadError('no file was chosen')
  return { ...found, ...file.result() }
}

/** Name and type of a part that is a file with a name. */
function readHead(head: string): { name: string; type: string } | undefined {
  const [, name] = /^content-disposition:.*?\bfilename="([^"\r\n]+)"/im.exec(head) ?? []
  const [, type = 'application/octet-stream'] = /^content-type:\s*([^\s;]+)/im.exec(head) ?? []
  return name === undefined ? undefined : { name, type }
}

function measure() {
  const hash = createHash('sha256')
  let sizeBytes = 0
  return {
    add(chunk: Buffer): void {
      sizeBytes += chunk.length
      hash.update(chunk)
    },
    result: () => ({ sizeBytes, sha256: hash.digest('hex') }),
  }
}
