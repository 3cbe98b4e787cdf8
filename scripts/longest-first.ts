import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files of half a minute and more of work on two cores: begun last, one of them runs on alone for as long. */
const LONG = [
  'odd-origins',
  'key-rotation',
  'fleet',
  'pausing',
  'useless-coordinator',
  'poison',
  'hostile',
  'kill',
  'take-in-kill',
  'faults.integration',
  'bench.integration'
].map((name) => `/${name}.test.ts`)

/** Starts with what is known to take long. Of earlier runs, which tell the same, nothing is known on a fresh clone. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification) => LONG.some((name) => moduleId.endsWith(name))
    const sorted = await super.sort(files)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}
