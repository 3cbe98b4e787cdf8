/** The part of Electron's frame that says who is speaking. */
export interface SenderFrame {
  readonly url: string
  readonly parent: unknown
}

/**
 * True for the top frame of the page at `origin` (`app://bundle`, or the development server's). Compares text: `URL.origin`
 * is `null` for schemes of one's own.
 */
export function isOwnPage(url: string, origin: string): boolean {
  return url === origin || url.startsWith(`${origin}/`)
}

/** A frame that is gone, inside another, or of another page is nobody to take commands from. */
export function isOwnFrame(frame: SenderFrame | null, origin: string): boolean {
  return frame !== null && frame.parent === null && isOwnPage(frame.url, origin)
}
