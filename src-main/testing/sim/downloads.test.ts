import { describe, expect, it } from 'vitest'
import { downloadByAll } from './downloads.ts'
import { FluidLink, FluidNetwork } from './fluid-network.ts'
import { Simulation } from './simulation.ts'

describe('simulated bytes on their way', () => {
  it('share a link equally, and what one flow cannot use goes to the others', async () => {
    const sim = new Simulation('a')
    const fluid = new FluidNetwork(sim)
    const [server, fast, slow] = [new FluidLink(100_000), new FluidLink(1e6), new FluidLink(20_000)]
    const done: string[] = []
    const send = (name: string, to: FluidLink, bytes: number) => {
      const flow = fluid.open([server, to])
      flow.send(bytes, () => done.push(`${name} ${Math.round(sim.nowMs)}`))
      return flow
    }
    // 20 of the 100 bytes/ms; the other has 80, and all of it when the first is over.
    send('slow', slow, 10_000)
    send('fast', fast, 50_000)
    await sim.run(10_000)
    expect(done).toEqual(['slow 500', 'fast 600'])
    expect(Math.round(server.carried)).toBe(60_000)
  })

  it('stand still while a flow is paused, and are lost when it is closed', async () => {
    const sim = new Simulation('a')
    const fluid = new FluidNetwork(sim)
    const link = new FluidLink(1000)
    const done: number[] = []
    const flow = fluid.open([link])
    for (let i = 0; i < 3; i++) flow.send(100, () => done.push(Math.round(sim.nowMs)))
    sim.after(50, () => flow.pause())
    sim.after(150, () => flow.resume())
    sim.after(350, () => flow.close())
    await sim.run(1000)
    expect(done).toEqual([200, 300])
    expect(Math.round(link.carried)).toBe(250)
    const other = fluid.open([link])
    other.pause()
    other.send(100, () => done.push(Math.round(sim.nowMs)))
    other.close()
    await sim.run(2000)
    expect([done.length, link.flows.size]).toEqual([2, 0])
  })
})

describe('a download by all PCs of a simulated subnet', () => {
  const content = { lengthBytes: 50e6, pieces: 50, pcBytesPerSecond: 125e6, originBytesPerSecond: 12.5e6 }

  it('leaves the origin once, and takes hardly longer than the origin needs', async () => {
    const download = await downloadByAll({ pcs: 12, ...content })
    expect(download).toMatchObject({ failed: 0, copies: 1, fromOrigin: 1 })
    expect(download.lastMs! / download.optimumMs).toBeLessThan(1.25)
  })

  it('leaves the origin once where all PCs are switched on at the same time', async () => {
    const download = await downloadByAll({ pcs: 12, ...content, startWithinMs: 2000 })
    expect(download).toMatchObject({ failed: 0, copies: 1, fromOrigin: 1 })
  })

  it('is the same twice from one seed', async () => {
    const first = await downloadByAll({ pcs: 8, ...content, seed: 'b' })
    expect(await downloadByAll({ pcs: 8, ...content, seed: 'b' })).toEqual(first)
  })
})
