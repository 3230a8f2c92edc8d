import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  encodeAndAddCustomMetadata,
  encodeCompositeMetadata,
  encodeRoute,
  encodeSimpleAuthMetadata,
  WellKnownMimeType,
} from 'rsocket-composite-metadata'
import { deserializeFrame, Flags, FrameTypes, type Frame as OracleFrame, serializeFrame } from 'rsocket-core'
import { RSocketError } from './error.ts'
import { decodeFrame, encodeFrame, type Frame } from './frame.ts'
import { createFrameReader, withLength } from './frame-reader.ts'
import { decodeMetadata, encodeMetadata } from './metadata.ts'
import { COMPOSITE_MIME, JSON_MIME, MAX_FRAME_BYTES } from './words.ts'

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const streamId = fc.integer({ min: 1, max: 0x7fff_ffff })
const demand = fc.integer({ min: 1, max: 0x7fff_ffff })
const payload = { metadata: fc.option(bytes, { nil: undefined }), data: bytes }
const follows = fc.boolean()

type Sent = Parameters<typeof encodeFrame>[0]
const sent: fc.Arbitrary<Sent> = fc.oneof(
  fc.record({
    streamId: fc.constant(0),
    type: fc.constant('setup' as const),
    majorVersion: fc.constant(1),
    keepAliveMs: demand,
    lifetimeMs: demand,
    resume: fc.constant(false),
    lease: fc.constant(false),
    metadataMime: fc.constant(COMPOSITE_MIME),
    dataMime: fc.constant(JSON_MIME),
    ...payload,
  }),
  fc.record({
    streamId: fc.constant(0),
    type: fc.constant('keepalive' as const),
    respond: fc.boolean(),
    data: bytes,
  }),
  fc.record({
    streamId,
    type: fc.constantFrom('request-response' as const, 'fire-and-forget' as const),
    follows,
    ...payload,
  }),
  fc.record({ streamId, type: fc.constant('request-stream' as const), demand, follows, ...payload }),
  fc.record({ streamId, type: fc.constant('request-n' as const), demand }),
  fc.record({ streamId, type: fc.constant('cancel' as const) }),
  fc.record({
    streamId,
    type: fc.constant('payload' as const),
    follows,
    complete: fc.boolean(),
    next: fc.boolean(),
    ...payload,
  }),
  fc.record({
    streamId,
    type: fc.constant('error' as const),
    code: fc.integer({ min: 0, max: 0x7fff_ffff }),
    text: fc.string({ unit: 'grapheme' }),
  }),
)

test('a frame that was written reads the same', () => {
  fc.assert(
    fc.property(sent, (frame) => assert.deepEqual({ ...decodeFrame(encodeFrame(frame)) }, { ...frame })),
  )
})

test('what we write, rsocket-core reads and would write in the same bytes', () => {
  fc.assert(
    fc.property(sent, (frame) => {
      const written = encodeFrame(frame)
      const theirs = deserializeFrame(written) as OracleFrame
      assert.equal(theirs.streamId, frame.streamId)
      if ('data' in frame)
        assert.ok((theirs as { data?: Buffer }).data?.equals(frame.data) ?? frame.data.length === 0)
      assert.deepEqual(serializeFrame(theirs), written)
    }),
  )
})

test('what rsocket-core writes for the frames a channel never sends is told apart', () => {
  const read = (frame: OracleFrame) => decodeFrame(serializeFrame(frame)).type
  const resumeToken = Buffer.from('token')
  const versions = { majorVersion: 1, minorVersion: 0 }
  assert.equal(
    read({
      type: FrameTypes.RESUME,
      streamId: 0,
      flags: 0,
      clientPosition: 0,
      serverPosition: 0,
      resumeToken,
      ...versions,
    }),
    'resume',
  )
  assert.equal(
    read({ type: FrameTypes.METADATA_PUSH, streamId: 0, flags: Flags.METADATA, metadata: Buffer.from('x') }),
    'ignored',
  )
  assert.equal(
    read({ type: FrameTypes.LEASE, streamId: 0, flags: 0, ttl: 1, requestCount: 1, metadata: undefined }),
    'ignored',
  )
  assert.equal(
    read({
      type: FrameTypes.REQUEST_CHANNEL,
      streamId: 1,
      flags: 0,
      requestN: 1,
      data: Buffer.from('x'),
      metadata: undefined,
    }),
    'request-channel',
  )
  const setup = decodeFrame(
    serializeFrame({
      type: FrameTypes.SETUP,
      streamId: 0,
      flags: Flags.RESUME_ENABLE,
      keepAlive: 3000,
      lifetime: 5000,
      resumeToken,
      dataMimeType: JSON_MIME,
      metadataMimeType: COMPOSITE_MIME,
      data: Buffer.from('{}'),
      metadata: undefined,
      ...versions,
    }),
  )
  assert.ok(
    setup.type === 'setup' && setup.resume && setup.data.toString() === '{}' && setup.dataMime === JSON_MIME,
  )
})

test('bytes from anywhere are a frame or a malformed one, never anything else', () => {
  const onlyMalformed = (given: Buffer) => {
    try {
      decodeFrame(given)
    } catch (error) {
      assert.ok(error instanceof RSocketError)
    }
  }
  fc.assert(fc.property(bytes, onlyMalformed), { numRuns: 2000 })
  const cut = fc.tuple(sent, fc.nat(), fc.nat(), fc.nat(255)).map(([frame, length, at, value]) => {
    const whole = encodeFrame(frame)
    const part = Buffer.from(whole.subarray(0, length % (whole.length + 1)))
    if (part.length > 0) part[at % part.length] = value
    return part
  })
  fc.assert(fc.property(cut, onlyMalformed), { numRuns: 2000 })
})

test('a frame larger than RSocket can carry is refused where it is made', () => {
  const data = Buffer.alloc(MAX_FRAME_BYTES)
  const frame: Frame = {
    streamId: 1,
    type: 'payload',
    follows: false,
    complete: true,
    next: true,
    metadata: undefined,
    data,
  }
  assert.throws(() => encodeFrame(frame), { problem: 'HYDRA_TOO_LARGE' })
})

test('frames come out of a TCP stream whole, however it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(bytes, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }),
      (frames, cuts) => {
        const stream = Buffer.concat(frames.map(withLength))
        const got: Buffer[] = []
        const reader = createFrameReader({
          maxFrameBytes: 300,
          onFrame: (frame) => got.push(frame),
          isOpen: () => true,
        })
        for (let at = 0, i = 0; at < stream.length; i++) {
          const end = at + cuts[i % cuts.length]!
          reader.push(Buffer.from(stream.subarray(at, end)))
          at = end
        }
        assert.deepEqual(got, frames)
      },
    ),
  )
})

test('a length above the limit is refused as soon as it is announced', () => {
  const reader = createFrameReader({
    maxFrameBytes: 1000,
    onFrame: () => assert.fail('nothing is whole'),
    isOpen: () => true,
  })
  reader.push(Buffer.from([0]))
  reader.push(Buffer.from([0x03]))
  assert.throws(() => reader.push(Buffer.from([0xe9])), { problem: 'HYDRA_TOO_LARGE' })
})

test('after the end of a connection the rest of a chunk is left alone', () => {
  const got: string[] = []
  const reader = createFrameReader({
    maxFrameBytes: 100,
    onFrame: (frame) => got.push(frame.toString()),
    isOpen: () => got.length < 2,
  })
  reader.push(Buffer.concat(['one', 'two', 'three'].map((text) => withLength(Buffer.from(text)))))
  assert.deepEqual(got, ['one', 'two'])
})

test('route and keys are the bytes other RSocket libraries write', () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 200 }),
      fc.string({ maxLength: 60 }),
      fc.string({ maxLength: 60 }),
      (route, publicKey, privateKey) => {
        fc.pre(Buffer.byteLength(route) <= 255)
        const theirs = encodeCompositeMetadata([
          [WellKnownMimeType.MESSAGE_RSOCKET_ROUTING, encodeRoute(route)],
          [WellKnownMimeType.MESSAGE_RSOCKET_AUTHENTICATION, encodeSimpleAuthMetadata(publicKey, privateKey)],
        ])
        assert.deepEqual(encodeMetadata(route, { publicKey, privateKey }), theirs)
        assert.deepEqual(decodeMetadata(theirs), { route, credentials: { publicKey, privateKey } })
      },
    ),
  )
  const withMore = encodeAndAddCustomMetadata(
    encodeMetadata('hydra.ping'),
    'application/x-trace',
    Buffer.from('abc'),
  )
  assert.deepEqual(decodeMetadata(withMore), { route: 'hydra.ping', credentials: undefined })
  const byName = encodeAndAddCustomMetadata(
    Buffer.alloc(0),
    'message/x.rsocket.routing.v0',
    encodeRoute('hydra.ping'),
  )
  assert.equal(decodeMetadata(byName).route, 'hydra.ping')
  assert.deepEqual(decodeMetadata(undefined), { route: undefined, credentials: undefined })
})

test('metadata from anywhere is readable or malformed, never anything else', () => {
  fc.assert(
    fc.property(bytes, fc.nat(), (garbage, length) => {
      for (const given of [
        garbage,
        encodeMetadata('a', { publicKey: 'b', privateKey: 'c' }).subarray(0, length % 20),
      ]) {
        try {
          decodeMetadata(given)
        } catch (error) {
          assert.ok(error instanceof RSocketError)
        }
      }
    }),
    { numRuns: 2000 },
  )
})
