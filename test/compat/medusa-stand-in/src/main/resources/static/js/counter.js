/*
 * A page's socket as Medusa's pages use it: RSocket over a WebSocket, one frame per binary message, one
 * request-channel with unlimited demand, and a reload when the socket ends.
 */
const SETUP = 0x01
const KEEPALIVE = 0x03
const REQUEST_CHANNEL = 0x07
const PAYLOAD = 0x0a
const METADATA = 0x100
const RESPOND = 0x80
const NEXT = 0x20
const KEEPALIVE_MS = 10_000
const LIFETIME_MS = 11_000
const ROUTING = 0x80 | 0x7e // a well-known type inside composite metadata

const text = (value) => [...new TextEncoder().encode(value)]
const u16 = (n) => [n >> 8, n & 255]
const u24 = (n) => [n >> 16, (n >> 8) & 255, n & 255]
const u32 = (n) => [n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255]
const short = (value) => [text(value).length, ...text(value)]
const frame = (stream, type, flags, body) =>
  new Uint8Array([...u32(stream), ...u16((type << 10) | flags), ...body])

const url = new URL(document.currentScript.dataset.socket, location.href)
url.protocol = url.protocol.replace('http', 'ws')
const socket = new WebSocket(url)
socket.binaryType = 'arraybuffer'

socket.onopen = () => {
  const types = [...short('message/x.rsocket.composite-metadata.v0'), ...short('application/json')]
  socket.send(frame(0, SETUP, 0, [...u16(1), ...u16(0), ...u32(KEEPALIVE_MS), ...u32(LIFETIME_MS), ...types]))
  const route = short('event-emitter/0/0/en')
  const metadata = [ROUTING, ...u24(route.length), ...route]
  socket.send(
    frame(1, REQUEST_CHANNEL, METADATA, [
      ...u32(0x7fffffff),
      ...u24(metadata.length),
      ...metadata,
      ...text('{"by":0}'),
    ]),
  )
  setInterval(() => socket.send(frame(0, KEEPALIVE, RESPOND, Array(8).fill(0))), KEEPALIVE_MS)
}

socket.onmessage = ({ data }) => {
  const bytes = new DataView(data)
  const typeAndFlags = bytes.getUint16(4)
  if (typeAndFlags >> 10 === KEEPALIVE && typeAndFlags & RESPOND) {
    socket.send(frame(0, KEEPALIVE, 0, new Uint8Array(data, 6)))
  }
  if (typeAndFlags >> 10 === PAYLOAD && typeAndFlags & NEXT) {
    const metadataBytes = typeAndFlags & METADATA ? 3 + (bytes.getUint16(6) << 8) + bytes.getUint8(8) : 0
    const answer = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 6 + metadataBytes)))
    document.querySelector('#count').textContent = answer.count
  }
}

socket.onclose = () => location.reload()

document.querySelector('#more').onclick = () => socket.send(frame(1, PAYLOAD, NEXT, text('{"by":1}')))
