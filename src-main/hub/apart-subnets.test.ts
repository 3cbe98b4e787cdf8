import { expect, test } from 'vitest'
import type { PeerId } from '../contract/ids.ts'
import { APART_MS } from '../peers/far/far-peers.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { ApartSubnets } from './apart-subnets.ts'

const id = (n: number) => n.toString(16).padStart(64, '0') as PeerId
const [one, two] = ['10.0.1.0/24', '10.0.2.0/24']

test('are those of which two PCs say so, in that direction', () => {
  const apart = new ApartSubnets(fakeClock())
  apart.said(id(1), one, two)
  apart.said(id(1), one, two)
  expect(apart.are(one, two)).toBe(false)
  apart.said(id(2), one, two)
  expect([apart.are(one, two), apart.are(two, one), apart.are(one, one)]).toEqual([true, false, false])
})

test('a word of each side is enough, and then it is so in both directions', () => {
  const apart = new ApartSubnets(fakeClock())
  expect(apart.isEmpty).toBe(true)
  apart.said(id(1), one, two)
  apart.said(id(2), two, one)
  expect([apart.are(one, two), apart.are(two, one), apart.isEmpty]).toEqual([true, true, false])
})

test('are tried again after a while, however often it is said', async () => {
  const clock = fakeClock()
  const apart = new ApartSubnets(clock)
  apart.said(id(1), one, two)
  await clock.pass(APART_MS - 1000)
  apart.said(id(2), one, two)
  expect(apart.are(one, two)).toBe(true)
  await clock.pass(1000)
  expect(apart.are(one, two)).toBe(false)
  apart.said(id(3), one, two)
  expect(apart.are(one, two)).toBe(false)
})

test('PCs of one subnet, and those whose subnet is not known, are never apart', () => {
  const apart = new ApartSubnets(fakeClock())
  for (const n of [1, 2, 3]) {
    apart.said(id(n), one, one)
    apart.said(id(n), null, two)
    apart.said(id(n), one, null)
  }
  expect([apart.are(one, one), apart.are(null, two), apart.are(one, null)]).toEqual([false, false, false])
})
