import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

export type SelfSignedCertificate = { readonly key: string; readonly cert: string }

const LIFETIME_MS = 24 * 3600 * 1000
const ECDSA_WITH_SHA256 = '06082a8648ce3d040302'
const COMMON_NAME = '0603550403'
const SUBJECT_ALT_NAME = '0603551d11'
const BASIC_CONSTRAINTS = '0603551d13'

/**
 * A new P-256 key with a certificate (X.509 v3, RFC 5280) for localhost, 127.0.0.1 and ::1, good for one day. As
 * its own CA: a client that is to trust it takes `cert` as its `ca`. PEM.
 */
export function createSelfSignedCertificate(): SelfSignedCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = sequence(hex(ECDSA_WITH_SHA256))
  const name = sequence(tlv(0x31, sequence(hex(COMMON_NAME), tlv(0x0c, Buffer.from('localhost')))))
  const tbs = sequence(
    tlv(0xa0, integer(Buffer.of(2))),
    integer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
    algorithm,
    name,
    sequence(time(Date.now() - LIFETIME_MS), time(Date.now() + LIFETIME_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(alternativeNames(), isCertificateAuthority())),
  )
  const signature = sign('sha256', tbs, privateKey)
  const certificate = sequence(tbs, algorithm, tlv(0x03, Buffer.concat([Buffer.of(0), signature])))
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: pem(certificate) }
}

function alternativeNames(): Buffer {
  const names = sequence(
    tlv(0x82, Buffer.from('localhost')),
    tlv(0x87, Buffer.of(127, 0, 0, 1)),
    tlv(0x87, Buffer.concat([Buffer.alloc(15), Buffer.of(1)])),
  )
  return sequence(hex(SUBJECT_ALT_NAME), tlv(0x04, names))
}

function isCertificateAuthority(): Buffer {
  return sequence(hex(BASIC_CONSTRAINTS), tlv(0x04, sequence(tlv(0x01, Buffer.of(0xff)))))
}

/** UTCTime, which RFC 5280 §4.1.2.5 wants until 2049. */
function time(epochMs: number): Buffer {
  const digits = new Date(epochMs).toISOString().replace(/\D/g, '').slice(2, 14)
  return tlv(0x17, Buffer.from(`${digits}Z`))
}

function integer(bytes: Buffer): Buffer {
  return tlv(0x02, bytes)
}

function sequence(...parts: Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts))
}

/** Tag, length, value (X.690 §8.1); lengths up to 65535. */
function tlv(tag: number, value: Buffer): Buffer {
  const { length } = value
  let head = [tag, length]
  if (length >= 0x80) head = length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(head), value])
}

function hex(digits: string): Buffer {
  return Buffer.from(digits, 'hex')
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}
