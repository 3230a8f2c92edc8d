/**
 * Tokens somebody might show who has no session: forged, bent, signed by us for something else. Each with the word it is
 * refused by.
 *
 * @module
 */
import {
  constants,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto'
import { CompactEncrypt, EncryptJWT, FlattenedSign } from 'jose'
import { JWS_VECTORS } from './jws-vectors.ts'

export interface Attack {
  readonly name: string
  readonly token: string
  readonly fault: string
  /** The service it is shown as being for; as the shared token when absent. */
  readonly audience?: string
}

export interface Target {
  /** The key that signs, with its name. */
  readonly key: KeyObject
  readonly kid: string
  /** A token that holds, and what it says. */
  readonly token: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly nowMs: number
  readonly maxBytes: number
}

type Json = Readonly<Record<string, unknown>>

const text = (data: string | Uint8Array | object): string =>
  (data instanceof Uint8Array
    ? Buffer.from(data)
    : Buffer.from(typeof data === 'string' ? data : JSON.stringify(data))
  ).toString('base64url')

/** `header.payload.signature`, with a signature by RSA and SHA-256 when nothing else is said. */
function jws(
  header: string | object,
  payload: string | Uint8Array | object,
  key: KeyObject,
  by: { readonly hash?: string; readonly pss?: boolean } = {},
): string {
  const signed = `${text(header)}.${text(payload)}`
  const padding = by.pss ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING
  const saltLength = constants.RSA_PSS_SALTLEN_DIGEST
  const signature = sign(by.hash ?? 'sha256', Buffer.from(signed), { key, padding, saltLength })
  return `${signed}.${signature.toString('base64url')}`
}

export async function jwtAttacks(target: Target): Promise<readonly Attack[]> {
  const { key, kid, token, claims, nowMs, maxBytes } = target
  const now = Math.floor(nowMs / 1000)
  const head = { alg: 'RS256', typ: 'JWT', kid }
  const [h, p, s] = token.split('.') as [string, string, string]
  const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const publicKey = createPublicKey(key)
  const attacks: Attack[] = []
  const add = (fault: string, name: string, bad: string, audience?: string): void =>
    void attacks.push({ name, token: bad, fault, ...(audience === undefined ? {} : { audience }) })
  /** Signed by us: only what it says is wrong. */
  const ours = (header: string | object, payload: string | Uint8Array | object = claims): string =>
    jws(header, payload, key)
  const said = (change: Json): string => ours(head, { ...claims, ...change })

  // ---- no signature at all, or one by something everybody knows
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '']) {
    add('malformed', `alg ${alg}, no signature`, `${text({ ...head, alg })}.${p}.`)
    add('algorithm', `alg ${alg}, the signature of another token`, `${text({ ...head, alg })}.${p}.${s}`)
  }
  const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string
  const der = publicKey.export({ type: 'spki', format: 'der' })
  const jwk = publicKey.export({ format: 'jwk' })
  const secrets: [name: string, secret: string | Buffer][] = [
    ['SPKI in PEM', pem],
    ['SPKI in PEM without its last line feed', pem.trimEnd()],
    ['SPKI in PEM with CRLF', pem.replaceAll('\n', '\r\n')],
    ['PKCS#1 in PEM', publicKey.export({ type: 'pkcs1', format: 'pem' }) as string],
    ['SPKI in DER', der],
    ['PKCS#1 in DER', publicKey.export({ type: 'pkcs1', format: 'der' })],
    ['SPKI in base64, as services are told it', der.toString('base64')],
    ['JWK', JSON.stringify(jwk)],
    ['modulus', Buffer.from(jwk.n!, 'base64url')],
    ['kid', kid],
    ['nothing', ''],
  ]
  for (const alg of ['HS256', 'HS384', 'HS512'])
    for (const [name, secret] of secrets) {
      const signed = `${text({ ...head, alg })}.${p}`
      const mac = createHmac(`sha${alg.slice(2)}`, secret)
        .update(signed)
        .digest('base64url')
      add('algorithm', `${alg} with the public key: ${name}`, `${signed}.${mac}`)
    }
  const macd = `${h}.${p}`
  add(
    'forged',
    'RS256 said, HS256 done',
    `${macd}.${createHmac('sha256', pem).update(macd).digest('base64url')}`,
  )
  add('forged', 'a signature of zeros', `${macd}.${text(Buffer.alloc(256))}`)
  add('forged', 'a signature of ones', `${macd}.${text(Buffer.alloc(256, 0xff))}`)
  add('forged', 'the modulus as signature', `${macd}.${jwk.n}`)
  add('forged', 'a signature of one byte', `${macd}.AA`)

  // ---- our key, another algorithm
  for (const hash of ['sha384', 'sha512']) {
    add('algorithm', `RS${hash.slice(3)}`, jws({ ...head, alg: `RS${hash.slice(3)}` }, claims, key, { hash }))
    add('forged', `RS256 said, ${hash} done`, jws(head, claims, key, { hash }))
  }
  add('algorithm', 'PS256', jws({ ...head, alg: 'PS256' }, claims, key, { pss: true }))
  add('forged', 'RS256 said, PSS done', jws(head, claims, key, { pss: true }))
  for (const alg of [
    'rs256',
    'RS256 ',
    'RS256\0',
    'ES256',
    'EdDSA',
    null,
    true,
    256,
    ['RS256'],
    { RS256: 1 },
  ])
    add('algorithm', `alg ${JSON.stringify(alg)}`, ours({ ...head, alg }))
  add('algorithm', 'no alg', ours({ typ: 'JWT', kid }))

  // ---- another key
  add('forged', 'a foreign key under our name', jws(head, claims, foreign.privateKey))
  add(
    'unknown-key',
    'a foreign key under its own name',
    jws({ ...head, kid: 'foreignkey012345' }, claims, foreign.privateKey),
  )
  const foreignJwk = foreign.publicKey.export({ format: 'jwk' })
  const cert = foreign.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const brought: Json[] = [
    { jwk: { kty: 'RSA', e: foreignJwk.e, n: foreignJwk.n } },
    { jku: 'https://evil.example/jwks.json' },
    { x5u: 'https://evil.example/cert.pem' },
    { x5c: [cert] },
  ]
  for (const more of brought) {
    const name = Object.keys(more)[0]!
    add(
      'malformed',
      `a key that the token brings: ${name}`,
      jws({ ...head, ...more }, claims, foreign.privateKey),
    )
    add('malformed', `${name}, signed by us`, ours({ ...head, ...more }))
  }
  const kids = [
    ...[
      '../../../../dev/null',
      '/etc/passwd',
      '..\\..\\windows\\win.ini',
      'file:///dev/null',
      `${kid}/../${kid}`,
    ],
    ...[
      "x' UNION SELECT 'key",
      '$(id)',
      `${kid}\0`,
      `${kid} `,
      '',
      '__proto__',
      'constructor',
      'hasOwnProperty',
    ],
    ...['https://evil.example/key', null, 0, true, [kid], { kid }],
  ]
  for (const other of kids) add('unknown-key', `kid ${JSON.stringify(other)}`, ours({ ...head, kid: other }))
  add('unknown-key', 'no kid', ours({ alg: 'RS256', typ: 'JWT' }))
  add('malformed', 'a long kid', ours({ ...head, kid: 'k'.repeat(400) }))

  // ---- headers that say more than they may
  const extra: Json[] = [
    { crit: ['exp'] },
    { crit: [] },
    { crit: ['b64'], b64: false },
    { b64: false },
    { zip: 'DEF' },
    { cty: 'JWT' },
    { enc: 'A256GCM' },
    { nested: [[[[]]]] },
  ]
  for (const more of extra)
    add('malformed', `header with ${JSON.stringify(more)}`, ours({ ...head, ...more }))
  for (const typ of ['at+jwt', 'jwt', 'JOSE', 'dpop+jwt', 'logout+jwt', null, ['JWT']])
    add('malformed', `typ ${JSON.stringify(typ)}`, ours({ ...head, typ }))
  add('malformed', 'no typ', ours({ alg: 'RS256', kid }))
  const header = JSON.stringify(head)
  const written: [name: string, text: string][] = [
    ['alg twice, none first', `{"alg":"none","typ":"JWT","kid":"${kid}","alg":"RS256"}`],
    ['alg twice, none last', `{"alg":"RS256","typ":"JWT","kid":"${kid}","alg":"none"}`],
    ['kid twice', `{"alg":"RS256","typ":"JWT","kid":"x","kid":"${kid}"}`],
    ['alg twice, once escaped', `{"alg":"RS256","typ":"JWT","kid":"${kid}","\\u0061lg":"RS256"}`],
    ['an escaped letter', header.replace('RS256', 'RS25\\u0036')],
    ['spaces', header.replaceAll(':', ': ')],
    ['a line feed behind it', `${header}\n`],
    ['a byte order mark', `\uFEFF${header}`],
    ['a comment', header.replace('{', '{/**/')],
    ['two objects', `${header}${header}`],
    ['an array', `[${header}]`],
    ['nested arrays', '['.repeat(90) + ']'.repeat(90)],
    ['null', 'null'],
    ['a string', '"RS256"'],
    ['nothing', '{}'],
    ['a prototype', header.replace('{', '{"__proto__":{"alg":"RS256"},')],
  ]
  for (const [name, one] of written)
    add(name === 'nothing' ? 'algorithm' : 'malformed', `header: ${name}`, ours(one))

  // ---- bytes
  const changed = text({ ...claims, roles: ['ADMIN'] })
  add('forged', 'another role under the same signature', `${h}.${changed}.${s}`)
  add(
    'forged',
    'the signature of another token',
    `${said({ jti: 'x' }).split('.').slice(0, 2).join('.')}.${s}`,
  )
  add('malformed', 'two parts', `${h}.${p}`)
  add('malformed', 'two parts and a dot', `${h}.${p}.`)
  add('malformed', 'four parts', `${token}.${s}`)
  add('malformed', 'a dot behind it', `${token}.`)
  add('malformed', 'no payload', `${h}..${s}`)
  add('malformed', 'no header', `.${p}.${s}`)
  add('malformed', 'dots', '..')
  add('malformed', 'nothing', '')
  add('forged', 'half of the payload', `${h}.${p.slice(0, p.length >> 1)}.${s}`)
  add('forged', 'half of the signature', `${h}.${p}.${s.slice(0, 168)}`)
  add('forged', 'more signature', `${h}.${p}.${s.slice(0, -1)}A${'A'.repeat(6)}`)
  const last = s.at(-1)!
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  add(
    'malformed',
    'another last letter with the same bytes',
    `${token.slice(0, -1)}${alphabet[alphabet.indexOf(last) + 1]}`,
  )
  for (const one of [' ', '\t', '\n', '\r\n', '\0', '%20', '\u00a0', '\u200b']) {
    const name = JSON.stringify(one)
    add('malformed', `${name} before`, `${one}${token}`)
    add('malformed', `${name} behind`, `${token}${one}`)
    add('malformed', `${name} inside`, `${h}.${p.slice(0, 9)}${one}${p.slice(9)}.${s}`)
  }
  for (const pad of ['=', '==', '%3D']) {
    add('malformed', `${pad} behind the signature`, `${token}${pad}`)
    add('malformed', `${pad} behind the header`, `${h}${pad}.${p}.${s}`)
  }
  for (const one of ['+', '/', '"', ',', ';', '~', 'é', '😀'])
    add('malformed', `${one} in the signature`, `${h}.${p}.${s.slice(0, 5)}${one}${s.slice(6)}`)
  add('malformed', 'quoted', `"${token}"`)
  add('malformed', 'with a scheme', `Bearer ${token}`)
  add('oversize', 'a long one', `${h}.${'A'.repeat(maxBytes)}.${s}`)
  add('oversize', 'a very long one', `${token}${'A'.repeat(1_000_000)}`)
  add('oversize', 'long, but signed by us', said({ filler: 'x'.repeat(maxBytes) }))

  // ---- something else than a token
  const encrypted = new CompactEncrypt(Buffer.from(JSON.stringify(claims)))
  const oaep = { alg: 'RSA-OAEP-256', enc: 'A256GCM', typ: 'JWT', kid }
  add('malformed', 'a JWE to our key', await encrypted.setProtectedHeader(oaep).encrypt(publicKey))
  const direct = new EncryptJWT({ ...claims }).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
  add('malformed', 'a JWE with a key of its own', await direct.encrypt(new Uint8Array(32)))
  const flat = new FlattenedSign(Buffer.from(JSON.stringify(claims))).setProtectedHeader(head)
  add('malformed', 'the JSON form', JSON.stringify(await flat.sign(key)))
  add('claims', 'a token in a token', ours(head, token))
  for (const { section, alg, token: example } of JWS_VECTORS) {
    // A.2 is signed by a key of ours in this table, and still none of our tokens.
    const fault = { none: 'malformed', RS256: 'malformed', HS256: 'malformed' }[alg] ?? 'algorithm'
    add(fault, `RFC 7515 ${section}, ${alg}`, example)
  }

  // ---- signed by us, and wrong
  for (const iss of ['hydra2', 'HYDRA', 'hydra ', '', null, ['hydra'], undefined])
    add('issuer', `iss ${JSON.stringify(iss)}`, said({ iss }))
  add('expired', 'expired a second ago', said({ exp: now - 1 }))
  add('expired', 'expiring now', said({ exp: now }))
  add('expired', 'expired long ago', said({ exp: 0 }))
  add('expired', 'expired before there was time', said({ exp: -1 }))
  add('future', 'made in more than a minute', said({ iat: now + 61 + 5 }))
  add('future', 'made in a year', said({ iat: now + 31_536_000 }))
  for (const exp of [`${now + 60}`, null, undefined, now + 60.5, [now + 60]])
    add('claims', `exp ${JSON.stringify(exp)}`, said({ exp }))
  add('claims', 'exp without end', ours(head, JSON.stringify(claims).replace(/"exp":\d+/, '"exp":1e999')))
  const wrong: Json[] = [
    ...[{ iat: undefined }, { iat: '1' }, { jti: undefined }, { sid: undefined }, { sub: undefined }],
    ...[{ sid: 'x' }, { sid: '../../etc' }, { sid: '0-short' }, { sid: [claims.sid] }, { sub: 'nobody' }],
    ...[{ username: undefined }, { username: 7 }, { userId: '7' }, { roles: undefined }, { roles: null }],
    ...[
      { roles: 'ADMIN' },
      { roles: [1] },
      { roles: { 0: 'ADMIN' } },
      { idp: undefined },
      { session_exp: undefined },
    ],
    ...[{ aud: ['orders'] }, { aud: 7 }, { aud: null }, { psid: 'x' }, { own: {} }],
  ]
  for (const change of wrong) add('claims', JSON.stringify(Object.entries(change)[0]), said(change))
  const payloads: [name: string, payload: string | Uint8Array, fault?: string][] = [
    ['no JSON', 'username=root'],
    ['null', 'null'],
    ['true', 'true'],
    ['a string', '"hydra"'],
    ['an array', `[${JSON.stringify(claims)}]`, 'issuer'],
    ['nested arrays', '['.repeat(1000) + ']'.repeat(1000), 'issuer'],
    ['nothing', '{}', 'issuer'],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ['a prototype', `{"__proto__":${JSON.stringify(claims)}}`, 'issuer'],
  ]
  for (const [name, payload, fault = 'claims'] of payloads)
    add(fault, `payload: ${name}`, ours(head, payload))

  // ---- for somebody else
  const orders = said({ aud: 'orders' })
  add('audience', 'a token for one service as the shared one', orders)
  add('audience', 'an empty audience as the shared one', said({ aud: '' }))
  add('audience', 'the shared one at a service', token, 'orders')
  add('audience', 'of another service', orders, 'billing')
  add('audience', 'of a service with another case', orders, 'Orders')
  add('claims', 'of several services', said({ aud: ['orders', 'billing'] }), 'orders')
  return attacks
}
