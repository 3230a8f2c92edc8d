/**
 * Addresses the gateway never asks anything because somebody else says so, whatever an operator allows: this host by its
 * wildcard address, link-local and multicast ranges, and where clouds keep the credentials of machines (AWS, Google,
 * Azure, Alibaba).
 *
 * @module
 */
import { compileAddressList } from './address-list.ts'

const RANGES = [
  ...['0.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '255.255.255.255', '100.100.100.200', '168.63.129.16'],
  ...['::', 'fe80::/10', 'ff00::/8', 'fd00:ec2::254', 'fd20:ce::254'],
  // IPv6 addresses a translator turns into the link-local and metadata ones above (NAT64, 6to4).
  ...['64:ff9b::a9fe:0/112', '64:ff9b::6464:64c8', '64:ff9b::a83f:8110', '2002:a9fe::/32'],
]

export const NEVER_ASKED = compileAddressList(RANGES)
