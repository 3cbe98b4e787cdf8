import { join } from 'node:path'

/** The built page of the window: beside the bundled command line in `out/`, or there as seen from the sources. */
export const rendererDir = (here: string = import.meta.dirname): string =>
  /[\\/]src-main[\\/]cli$/.test(here) ? join(here, '../../out/renderer') : join(here, '../renderer')
