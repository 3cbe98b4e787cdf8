import { personName } from '../lib/person-name.ts'

/** Who types this, for "turned off by". */
export const whoTypes = (): string => `${personName()}, command line`
