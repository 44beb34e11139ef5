import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPublicAddress } from './addresses.ts'

const cases: Record<string, boolean> = {
  '8.8.8.8': true,
  '2606:4700::1111': true,
  '127.0.0.1': false,
  '10.1.2.3': false,
  '172.31.255.1': false,
  '172.32.0.1': true,
  '192.168.1.1': false,
  '169.254.169.254': false,
  '100.64.0.1': false,
  '0.0.0.0': false,
  '255.255.255.255': false,
  '::1': false,
  '::': false,
  'fe80::1': false,
  'fd00::1': false,
  '::ffff:127.0.0.1': false,
  '::ffff:a00:1': false,
  '64:ff9b::7f00:1': false,
  '2002:7f00:1::': false,
  'ff02::1': false,
  localhost: false,
  '': false,
}

describe('isPublicAddress', () => {
  for (const [address, want] of Object.entries(cases)) {
    it(`says ${want} for ${address === '' ? 'nothing' : address}`, () => assert.equal(isPublicAddress(address), want))
  }
})
