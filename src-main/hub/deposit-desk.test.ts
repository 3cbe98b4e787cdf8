import { mkdir, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { ContentKey, PeerId } from '../contract/ids.ts'
import { LarderError } from '../lib/errors.ts'
import { contentAt, DepositRig, type DepositPc, type MadeContent } from '../testing/deposit-rig.ts'

const MIB = 1024 * 1024
let rig: DepositRig
afterEach(() => rig.close())

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: unknown) => LarderError.from(error).code
  )

test('what one PC brings another one takes, and the hub never hears the key', async () => {
  rig = await DepositRig.open()
  const [anna, bert] = [await rig.pc('anna'), await rig.pc('bert')]
  const content = contentAt(anna, 2 * MIB + 5)
  await rig.deposit(anna, content)
  expect([...(await rig.ask(bert, content))]).toEqual([0b1110_0000])
  expect(Buffer.concat(await rig.take(bert, content, { first: 0, count: 3 })).equals(content.bytes)).toBe(true)
  expect(rig.hub.deposit!.view()).toMatchObject({
    contents: 1,
    complete: 1,
    broughtBytes: 2 * MIB + 5,
    takenBytes: 2 * MIB + 5
  })
  const [folder] = await readdir(rig.dir)
  const kept = await readFile(join(rig.dir, folder!, 'meta.json'), 'utf8')
  expect(kept).not.toContain(content.key.slice('version:'.length))
})

test('who asks hears of each piece as it comes, and of those who signed it', async () => {
  rig = await DepositRig.open({ always: false })
  const [anna, bert] = [await rig.pc('anna'), await rig.pc('bert')]
  const content = contentAt(anna, 2 * MIB)
  anna.claim(content.key)
  // On another connection the other claim may come first.
  await anna.next('claim.decision')
  expect([...(await rig.ask(bert, content))]).toEqual([])
  await anna.next('hub.bring')
  await rig.offer(anna, content)
  expect(await bert.next('hub.came')).toMatchObject({ pieces: [], signers: [anna.network.credential] })
  anna.send({ t: 'hub.moves', key: anna.network.blind(content.key), bytes: 70_000 })
  expect(await bert.next('hub.came')).toMatchObject({ pieces: [], bytes: 70_000 })
  await rig.bring(anna, content, { first: 1, count: 1 })
  expect(await bert.next('hub.came')).toMatchObject({ pieces: [1] })
})

describe('nothing is taken', () => {
  const brought = async (pc: DepositPc, content: MadeContent) => {
    pc.claim(content.key)
    await pc.next('hub.bring')
    await rig.offer(pc, content)
    return rig.bring(pc, content, { first: 0, count: 1 })
  }

  test('that nobody has asked for', async () => {
    rig = await DepositRig.open({ always: false })
    const anna = await rig.pc('anna')
    const content = contentAt(anna, MIB)
    anna.claim(content.key)
    anna.send({
      t: 'hub.offer',
      key: anna.network.blind(content.key),
      tag: anna.network.deposits.tagOf(content.key)!,
      lengthBytes: MIB,
      signers: []
    })
    expect(await anna.next('hub.kept')).toMatchObject({ to: 'offer', map: '' })
    expect(await rig.bring(anna, content, { first: 0, count: 1 })).toBe('unwanted')
    expect(rig.hub.deposit!.view()).toMatchObject({ contents: 0, broughtBytes: 0 })
  })

  const other = `version:${'1'.repeat(64)}` as ContentKey
  test.each([
    ['bytes that are not those of the record', { data: (data: Buffer) => data.fill(7) }, /damaged bytes for piece 0/],
    ['a record of another content', { signs: other }, /forged record/],
    [
      'a record whose signature is not that of its signer',
      { record: (r: ReturnType<MadeContent['record']>) => ({ ...r, signature: Buffer.alloc(64, 1) }) },
      /forged record/
    ]
  ])('of %s; who brought it is named and not asked again, another one is', async (_title, lie, reason) => {
    rig = await DepositRig.open()
    const [mallory, bert] = [await rig.pc('mallory'), await rig.pc('bert')]
    const content = contentAt(mallory, 100_000, { lie })
    expect(await brought(mallory, content)).toBe('unwanted')
    expect(rig.offences).toEqual([{ id: mallory.network.self, reason: expect.stringMatching(reason) as string }])
    expect(rig.hub.deposit!.view().broughtBytes).toBe(0)
    expect(await rig.bring(mallory, contentAt(mallory, 100_000, { key: content.key }), { first: 0, count: 1 })).toBe(
      'unwanted'
    )
    const carl = await rig.pc('carl')
    bert.send({ t: 'hub.hold', key: bert.network.blind(content.key), hours: 1 })
    await bert.next('hub.bring')
    const right = contentAt(bert, 100_000, { key: content.key })
    await rig.offer(bert, right)
    expect(await rig.bring(bert, right, { first: 0, count: 1 })).toBe('kept')
    await rig.ask(carl, right)
    expect((await rig.take(carl, right, { first: 0, count: 1 }))[0]!.equals(right.bytes)).toBe(true)
  })

  test('of a signer that this hub does not believe; who brought it need not know, so it is not to blame', async () => {
    rig = await DepositRig.open()
    const [anna, bert] = [await rig.pc('anna'), await rig.pc('bert')]
    const expelled = 'e'.repeat(64) as PeerId
    const content = contentAt(anna, 100_000, { lie: { record: (r) => ({ ...r, signer: expelled }) } })
    expect(await brought(anna, content)).toBe('unwanted')
    expect(rig.offences).toEqual([])
    expect(rig.hub.deposit!.view().broughtBytes).toBe(0)
    // Another one that has it is asked next, and this one may bring something else.
    bert.send({ t: 'hub.hold', key: bert.network.blind(content.key), hours: 1 })
    await rig.ask(await rig.pc('carl'), content)
    expect(await bert.next('hub.bring')).toMatchObject({ key: bert.network.blind(content.key) })
    await rig.deposit(anna, contentAt(anna, 50_000))
    expect(rig.hub.deposit!.view()).toMatchObject({ broughtBytes: 50_000 })
  })

  test('from a member that went while its offer was being considered', async () => {
    rig = await DepositRig.open()
    const anna = await rig.pc('anna')
    const content = contentAt(anna, 50_000)
    const [id, key] = [anna.network.self, anna.network.blind(content.key)]
    anna.claim(content.key)
    await anna.next('hub.bring')
    const tag = anna.network.deposits.tagOf(content.key)!
    rig.hub.message(id, { t: 'hub.offer', key, tag, lengthBytes: 50_000, signers: [] })
    rig.hub.lost(id)
    await expect.poll(() => rig.store.all().length).toBe(1)
    await new Promise(setImmediate)
    expect(rig.hub.deposit!.openIntake(id, key)).toBeUndefined()
  })

  test('from a member that is not connected to this hub', async () => {
    rig = await DepositRig.open()
    const [anna, bert] = [await rig.pc('anna'), await rig.pc('bert')]
    const content = contentAt(anna, 50_000)
    await rig.deposit(anna, content)
    expect(await rig.bring(bert, content, { first: 0, count: 1 })).toBe('unwanted')
  })
})

test('who does not know the content, or has another length for it, is given nothing of it', async () => {
  rig = await DepositRig.open()
  const anna = await rig.pc('anna')
  const eve = await rig.pc('eve', () => Buffer.alloc(32))
  const content = contentAt(anna, 80_000)
  await rig.deposit(anna, content)
  expect([...(await rig.ask(eve, content))]).toEqual([])
  expect(await codeOf(rig.take(eve, content, { first: 0, count: 1 }))).toBe('NOT_FOUND')
  const bert = await rig.pc('bert')
  expect([...(await rig.ask(bert, contentAt(anna, 80_001, { key: content.key })))]).toEqual([])
  // Nor who has not asked.
  expect(await codeOf(rig.take(await rig.pc('carl'), content, { first: 0, count: 1 }))).toBe('NOT_FOUND')
})

test('what was brought by one who does not know the content keeps nobody from bringing the right one', async () => {
  rig = await DepositRig.open({ always: false })
  const [mallory, anna, bert] = [
    await rig.pc('mallory', () => Buffer.alloc(32)),
    await rig.pc('anna'),
    await rig.pc('bert')
  ]
  const content = contentAt(anna, 70_000)
  const wrong = contentAt(mallory, 1, { key: content.key })
  mallory.send({ t: 'hub.hold', key: mallory.network.blind(content.key), hours: 1 })
  await rig.ask(bert, wrong)
  await mallory.next('hub.bring')
  await rig.offer(mallory, wrong)
  expect(await rig.bring(mallory, wrong, { first: 0, count: 1 })).toBe('kept')
  anna.send({ t: 'hub.hold', key: anna.network.blind(content.key), hours: 1 })
  expect([...(await rig.ask(bert, content))]).toEqual([])
  await anna.next('hub.bring')
  await rig.offer(anna, content)
  expect(await rig.bring(anna, content, { first: 0, count: 1 })).toBe('kept')
  expect([...(await rig.ask(bert, content))]).toEqual([0b1000_0000])
})

test('what cannot be read from the disk any more is brought again', async () => {
  rig = await DepositRig.open({ always: false })
  const [anna, bert] = [await rig.pc('anna'), await rig.pc('bert')]
  const content = contentAt(anna, 70_000)
  anna.send({ t: 'hub.hold', key: anna.network.blind(content.key), hours: 1 })
  const bring = async () => {
    await anna.next('hub.bring')
    await rig.offer(anna, content)
    return rig.bring(anna, content, { first: 0, count: 1 })
  }
  await rig.ask(bert, content)
  expect(await bring()).toBe('kept')
  await rm(join(rig.dir, (await readdir(rig.dir))[0]!), { recursive: true })
  expect([...(await rig.ask(bert, content))]).toEqual([0b1000_0000])
  expect(await codeOf(rig.take(bert, content, { first: 0, count: 1 }))).toBe('NOT_FOUND')
  expect(rig.hub.deposit!.view()).toMatchObject({ contents: 0, trouble: expect.stringContaining('ENOENT') as string })
  expect([...(await rig.ask(bert, content))]).toEqual([])
  expect(await bring()).toBe('kept')
  expect(Buffer.concat(await rig.take(bert, content, { first: 0, count: 1 })).equals(content.bytes)).toBe(true)
  expect(rig.hub.deposit!.view()).toMatchObject({ contents: 1, trouble: null })
})

test('a push that is cut costs the piece under way; another PC brings the rest', async () => {
  rig = await DepositRig.open()
  const [anna, bert] = [await rig.pc('anna'), await rig.pc('bert')]
  const content = contentAt(anna, 3 * MIB)
  anna.claim(content.key)
  await anna.next('hub.bring')
  await rig.offer(anna, content)
  await rig.bring(anna, content, { first: 0, count: 1 })
  const cut = new AbortController()
  const half: MadeContent = {
    ...content,
    read: async (index) => {
      if (index === 2) cut.abort(new LarderError('CANCELLED', 'The cable is out'))
      return content.read(index)
    }
  }
  expect(await codeOf(rig.bring(anna, half, { first: 1, count: 2 }, cut.signal))).toBe('CANCELLED')
  bert.send({ t: 'hub.hold', key: bert.network.blind(content.key), hours: 1 })
  await anna.network.stop()
  await bert.next('hub.bring')
  const own = contentAt(bert, 3 * MIB, { key: content.key, bytes: content.bytes })
  const [map] = await rig.offer(bert, own)
  expect(map! & 0b1000_0000).not.toBe(0)
  expect(map! & 0b0010_0000).toBe(0)
  for (const first of [1, 2]) await rig.bring(bert, own, { first, count: 1 })
  const carl = await rig.pc('carl')
  expect([...(await rig.ask(carl, own))]).toEqual([0b1110_0000])
  expect(Buffer.concat(await rig.take(carl, own, { first: 0, count: 3 })).equals(content.bytes)).toBe(true)
})

test('a member that brings more and more displaces what it brought itself', async () => {
  rig = await DepositRig.open({ limits: { maxBytes: 400_000 } })
  const [anna, mallory, bert] = [await rig.pc('anna'), await rig.pc('mallory'), await rig.pc('bert')]
  const honest = contentAt(anna, 100_000)
  await rig.deposit(anna, honest)
  for (let i = 0; i < 8; i++) await rig.deposit(mallory, contentAt(mallory, 100_000))
  expect(rig.store.bytes).toBe(400_000)
  expect(rig.hub.deposit!.view()).toMatchObject({ contents: 4, displaced: 5 })
  expect((await rig.ask(bert, honest))[0]).toBe(0b1000_0000)
  // All of it at once is refused, and costs nobody anything.
  const huge = contentAt(mallory, 400_001)
  mallory.claim(huge.key)
  await mallory.next('hub.bring')
  expect((await rig.offer(mallory, huge)).length).toBe(0)
  expect(rig.hub.deposit!.view().refused).toBe(1)
  expect(rig.store.bytes).toBe(400_000)
})

describe('after a restart', () => {
  test('what was kept is there; what is damaged, unreadable or too old is not', async () => {
    rig = await DepositRig.open()
    const anna = await rig.pc('anna')
    const contents = [1, 2, 3, 4].map(() => contentAt(anna, MIB + 10))
    for (const content of contents) await rig.deposit(anna, content)
    const folders = rig.store.all().map(({ id, name }) => ({ id, key: name.key }))
    const folderOf = ({ key }: MadeContent) => join(rig.dir, folders.find((f) => f.key === anna.network.blind(key))!.id)
    await rig.store.stop()
    const [whole, damaged, cut, old] = contents
    const bytes = await readFile(join(folderOf(damaged!), 'data'))
    bytes[5]! ^= 1
    await writeFile(join(folderOf(damaged!), 'data'), bytes)
    await truncate(join(folderOf(cut!), 'data'), 10)
    await utimes(join(folderOf(old!), 'meta.json'), new Date(0), new Date(0))
    await mkdir(join(rig.dir, 'junk'))
    await writeFile(join(rig.dir, 'stray'), 'x')
    const again = await rig.openStore()
    expect(
      again
        .all()
        .map(({ id }) => join(rig.dir, id))
        .toSorted()
    ).toEqual([folderOf(whole!), folderOf(damaged!)].toSorted())
    expect((await readdir(rig.dir)).length).toBe(2)
    const kept = (content: MadeContent) => again.all().find(({ id }) => folderOf(content).endsWith(id))!
    expect((await kept(whole!).read(0)).data.equals(whole!.bytes.subarray(0, MIB))).toBe(true)
    await expect(kept(damaged!).read(0)).rejects.toThrow(/damaged/)
    expect([...kept(damaged!).have]).toEqual([1])
    const once = await rig.openStore()
    expect([...once.get(kept(damaged!).id)!.have]).toEqual([1])
  })
})
