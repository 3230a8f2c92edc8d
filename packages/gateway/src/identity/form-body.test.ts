import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../observe/manual-clock.ts'
import { readForm } from './form-body.ts'

const LIMITS = { maxBytes: 64, timeoutMs: 1000 }
const FORM = 'application/x-www-form-urlencoded'

/** A form as it comes from somebody who sends `pieces` and then, unless `isOpen`, no more. */
function posted(pieces: readonly string[], { type = FORM, isOpen = false, fault = false } = {}): Request {
  const body = new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(Buffer.from(piece))
      if (fault) controller.error(new Error('cut off'))
      else if (!isOpen) controller.close()
    },
  })
  return new Request('http://here.invalid/', {
    method: 'POST',
    body,
    duplex: 'half',
    headers: { 'content-type': type },
  })
}

test('a form is read whole, in whatever pieces it comes', async () => {
  const fields = await readForm(
    posted(['name=m%C3', '%ADra&a=1', '&a=2'], { type: `${FORM}; charset=utf-8` }),
    LIMITS,
    createManualClock(0),
  )
  assert.deepEqual([...fields], [['name', 'míra'], ...['1', '2'].map((value) => ['a', value])])
})

test('what is no form, too large or cut off is refused', async () => {
  const clock = createManualClock(0)
  const refused = (request: Request, code: string) =>
    assert.rejects(readForm(request, LIMITS, clock), { code })
  await refused(posted(['{}'], { type: 'application/json' }), 'HYDRA_BAD_REQUEST')
  await refused(posted(['a='.padEnd(60, 'x'), 'x'.repeat(60)], { isOpen: true }), 'HYDRA_TOO_LARGE')
  await refused(posted(['a=1'], { fault: true }), 'HYDRA_BAD_REQUEST')
  const empty = new Request('http://here.invalid/', { method: 'POST', headers: { 'content-type': FORM } })
  assert.equal((await readForm(empty, LIMITS, clock)).size, 0)
})

test('who does not end a form is not waited for', async () => {
  const clock = createManualClock(0)
  const reading = readForm(posted(['a=1'], { isOpen: true }), LIMITS, clock)
  clock.advance(1000)
  await assert.rejects(reading, { code: 'HYDRA_REQUEST_TIMEOUT' })
})
