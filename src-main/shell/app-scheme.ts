import { protocol, session } from 'electron'
import { answerBundleRequest, APP_SCHEME } from './app-bundle.ts'

/** Call once, before `ready`. */
export function registerAppScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: APP_SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } }
  ])
}

/** Serves the window's bundle in `root` as `app://bundle/`. Call after `ready`. */
export function serveBundle(root: string): void {
  protocol.handle(APP_SCHEME, (request) => answerBundleRequest(root, request))
}

/** A page gets no permission at all, not even when it does not ask. */
export function denyPermissions(): void {
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, callback) => callback(false))
  session.defaultSession.setPermissionCheckHandler(() => false)
  session.defaultSession.setDevicePermissionHandler(() => false)
}
