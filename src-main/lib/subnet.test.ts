import { expect, test } from 'vitest'
import { subnetOf } from './subnet.ts'

test.each([
  ['10.1.3.77', '10.1.3.0/24'],
  ['::ffff:10.1.3.77', '10.1.3.0/24'],
  ['fd00:1:2:3:4:5:6:7', 'fd00:1:2:3::/64'],
  ['fd00::1', 'fd00::/64'],
  ['pc-7', 'pc-7']
])('%s is taken to be in %s', (address, subnet) => expect(subnetOf(address)).toBe(subnet))
