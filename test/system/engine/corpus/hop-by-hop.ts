/**
 * Header lines that belong to one connection, and those only the gateway may say.
 *
 * @module
 */
import { accepted, acceptedLast, get, HOST, post } from './case.ts'

const KEPT = ['X-Kept: yes']
const kept = { lines: [['X-Kept', 'yes']] as const }

/** Lines that never reach a service. */
const DROPPED: readonly (readonly [name: string, ...lines: string[]])[] = [
  ['Keep-Alive', 'Keep-Alive: timeout=5'],
  ['Proxy-Connection', 'Proxy-Connection: keep-alive'],
  ['Proxy-Authorization', 'Proxy-Authorization: Basic eHg6eHg='],
  ['TE', 'TE: trailers, deflate'],
  ['Trailer', 'Trailer: X-Checksum'],
  ['an offer to upgrade', 'Upgrade: h2c'],
  ['an offer to upgrade that is nominated', 'Connection: Upgrade', 'Upgrade: h2c, websocket'],
  ['HTTP2-Settings', 'HTTP2-Settings: AAMAAABkAAQAAP__'],
  ['a named line', 'Connection: X-Secret', 'X-Secret: 1'],
  ['a named line in other case', 'Connection: x-SECRET', 'X-secret: 1'],
  ['a line named after it came', 'X-Secret: 1', 'Connection: X-Secret'],
  ['named lines in a list', 'Connection: keep-alive, X-Secret ,\tX-Other', 'X-Secret: 1', 'X-Other: 2'],
  ['named lines in two lists', 'Connection: X-Secret', 'Connection: X-Other', 'X-Secret: 1', 'X-Other: 2'],
  ['a named line among empty names', 'Connection: ,, X-Secret,', 'X-Secret: 1'],
  ['every line of a named name', 'X-Secret: 1', 'Connection: X-Secret', 'x-secret: 2'],
  ['a named line with nothing in it', 'Connection: X-Secret', 'X-Secret:'],
  // What the gateway vouches for.
  ['a forged address', 'X-Forwarded-For: 6.6.6.6'],
  ['forged addresses in two lines', 'X-Forwarded-For: 6.6.6.6', 'x-forwarded-for: 6.6.6.7'],
  ['a forged address in other case', 'x-FORWARDED-for: 6.6.6.6'],
  ['a forged protocol', 'X-Forwarded-Proto: https'],
  ['a forged host', 'X-Forwarded-Host: evil.example'],
  ['a forged port', 'X-Forwarded-Port: 443'],
  ['a forged prefix', 'X-Forwarded-Prefix: /admin'],
  ['a forged server', 'X-Forwarded-Server: evil.example'],
  ['any other forged line of a proxy', 'X-Forwarded-Anything: 1'],
  ['a forged Forwarded', 'Forwarded: for=6.6.6.6;host=evil.example;proto=https'],
  ['a forged X-Real-IP', 'X-Real-IP: 6.6.6.6'],
  ['a forged id', 'X-Request-Id: 1'],
  ['a forged path', 'hydra-path: evil'],
  ['a forged path in other case', 'HYDRA-Path: evil'],
  ['a forged user', 'Hydra-User: root'],
  ['a forged line of ours nobody has heard of', 'hydra-anything: 1'],
  ['a disguised address', 'X_Forwarded_For: 6.6.6.6'],
  ['a half disguised address', 'X-Forwarded_For: 6.6.6.6'],
  ['a disguised X-Real-IP', 'X_Real_IP: 6.6.6.6'],
  ['a disguised id', 'X_Request_Id: 1'],
  ['a disguised path', 'hydra_path: evil'],
  ['a disguised user', 'HYDRA_USER: root'],
  ['a disguised coding', 'Transfer_Encoding: chunked'],
  ['a disguised login of a proxy', 'Proxy_Authorization: Basic eHg6eHg='],
  [
    'a forged line that is named',
    'Connection: hydra-path, x-forwarded-for',
    'hydra-path: evil',
    'X-Forwarded-For: 6.6.6.6',
  ],
  [
    'a visitor who would like ours removed',
    'Connection: hydra-path, x-forwarded-for, x-forwarded-host, forwarded, x-request-id, host',
  ],
  [
    'a visitor who names everything',
    'Connection: close-not, *, host, content-length, transfer-encoding, connection',
  ],
  ['a cookie that is ours', 'Cookie: HYDRA-ROUTE=6'],
  ['cookies that are ours', 'Cookie: HYDRA-ROUTE=6; __Host-HYDRA-ROUTE=6; HYDRA-DEBUG=1'],
]

const LINES = {
  'lines in their order': ['B: 1', 'A: 2', 'b: 3'],
  'the login of a service': ['Authorization: Bearer x'],
  'ends of names that are ours': [
    'Not-Hydra-Path: 1',
    'X-Hydra-Path: 2',
    'hydrapath: 3',
    'XX-Forwarded-For: 4',
  ],
  'what only looks like a hop': ['Keep: 1', 'Alive: 2', 'Proxy: 3', 'TEA: 4', 'Upgrade-Insecure-Requests: 1'],
  'cookies of a service': ['Cookie: a=1; b="2; 3"; c=d'],
}

export const hopByHop = [
  ...DROPPED.map(([name, ...lines]) => accepted(`${name} stays here`, get(...lines, ...KEPT), kept)),
  ...Object.entries(LINES).map(([name, lines]) =>
    accepted(`${name} go on`, get(...lines), {
      lines: lines.map((line) => line.split(': ') as [string, string]),
    }),
  ),
  accepted('a cookie of ours among others stays here', get('Cookie: a=1; HYDRA-ROUTE=6; b=2'), {
    lines: [['Cookie', 'a=1; b=2']],
  }),
  accepted(
    'a disguised length beside a body stays here',
    post(['content_length: 44', 'Content-Length: 2'], 'xx'),
    {
      body: 'xx',
    },
  ),
  accepted(
    'a body keeps its length when everything is named',
    post(['Connection: content-length, host, transfer-encoding', 'Content-Length: 2'], 'xx'),
    { body: 'xx' },
  ),
  accepted(
    'a body keeps its chunks when everything is named',
    post(['Connection: transfer-encoding, host', 'Transfer-Encoding: chunked'], '2\r\nxx\r\n0\r\n\r\n'),
    { body: 'xx' },
  ),
  acceptedLast('Connection: close ends the connection', get('Connection: close', ...KEPT), kept),
  acceptedLast(
    'close among other names ends the connection',
    get('Connection: X-Secret, Close', 'X-Secret: 1'),
  ),
  acceptedLast(
    'close in a second line ends the connection',
    get('Connection: keep-alive', 'Connection: close'),
  ),
  acceptedLast(
    'HTTP/1.0 has its lines taken out too',
    `GET /one HTTP/1.0\r\n${HOST}Connection: X-Secret\r\nX-Secret: 1\r\nhydra-path: evil\r\nX-Kept: yes\r\n\r\n`,
    kept,
  ),
]
