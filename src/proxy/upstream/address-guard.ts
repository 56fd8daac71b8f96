import { BlockList, isIP } from 'node:net'

/** Special-purpose IPv4 space (RFC 6890 and its registry), with the clouds' metadata and wire servers. */
const IPV4_REFUSED = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const

/**
 * Outside 2000::/3 nothing is public: loopback, IPv4-mapped, NAT64, unique local, link-local, multicast. Inside
 * it these are not either: IETF protocols with Teredo, documentation, 6to4.
 */
const IPV6_PUBLIC = ['2000::', 3] as const
const IPV6_REFUSED = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const

const refused = new BlockList()
for (const [network, bits] of IPV4_REFUSED) refused.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of IPV6_REFUSED) refused.addSubnet(network, bits, 'ipv6')

const publicIpv6 = new BlockList()
publicIpv6.addSubnet(IPV6_PUBLIC[0], IPV6_PUBLIC[1], 'ipv6')

/**
 * Decides where a credential may be taken. An origin that the operator has named may have any address and may
 * be plain HTTP; every other must be HTTPS at a public address (server-side request forgery).
 */
export class AddressGuard {
  readonly #allowedOrigins: ReadonlySet<string>

  /** @throws {TypeError} when an allowed origin is no URL. */
  constructor(allowedOrigins: Iterable<string>) {
    this.#allowedOrigins = new Set([...allowedOrigins].map((origin) => new URL(origin).origin))
  }

  /** `origin` as `URL.origin` writes it. */
  isOriginAllowed(origin: string): boolean {
    return origin.startsWith('https://') || this.#allowedOrigins.has(origin)
  }

  /** `address` is the numeric one that is about to be connected to. */
  isAddressAllowed(origin: string, address: string): boolean {
    return this.#allowedOrigins.has(origin) || isPublicAddress(address)
  }
}

/** False for whatever is not a plain numeric address of the public internet. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !refused.check(address, 'ipv4')
    case 6:
      return publicIpv6.check(address, 'ipv6') && !refused.check(address, 'ipv6')
    default:
      return false
  }
}
