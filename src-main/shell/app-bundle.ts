import { bundleHeaders, readBundleFile } from '../window/bundle-files.ts'

/** The page's own address: everything of the window is served as `app://bundle/…`. */
export const APP_SCHEME = 'app'
export const APP_HOST = 'bundle'
export const APP_ORIGIN = `${APP_SCHEME}://${APP_HOST}`

/** Answers a request for a file of the window's bundle in `root`. */
export async function answerBundleRequest(root: string, request: Request): Promise<Response> {
  const url = new URL(request.url)
  const asked = url.host === APP_HOST && (request.method === 'GET' || request.method === 'HEAD')
  const file = asked ? await readBundleFile(root, url.pathname) : null
  if (file === null) return new Response(null, { status: 404, headers: bundleHeaders })
  return new Response(request.method === 'HEAD' ? null : file.body, {
    headers: { ...bundleHeaders, 'Content-Type': file.type }
  })
}
