import { sourceTokens } from '../../theme.ts'

const colours = [sourceTokens.peers, sourceTokens.origin, sourceTokens.cache, sourceTokens.served]

/** Colour of the limit with this number; the number stands in it, so that it need not be told by its colour. */
export const limitColour = (which: number): string => colours[which % colours.length]!
