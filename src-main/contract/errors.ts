import { z } from 'zod'

interface ErrorKind {
  /** Exit code of the command line. 1 is kept for unexpected errors, 2 for wrong usage. */
  readonly exit: number
  /** Status of the local HTTP API. */
  readonly http: number
  /** What the reader of the message can do now; one sentence. */
  readonly next: string
}

/**
 * Every error code of Larder. A code is stable: it crosses IPC, HTTP and the command line, and is never reused.
 * Messages may change; programs match on codes only.
 */
export const errorTable = {
  INTERNAL: { exit: 1, http: 500, next: 'Check the log and report this as a bug.' },
  BAD_REQUEST: { exit: 2, http: 400, next: 'Correct the named field and try again.' },
  NOT_FOUND: { exit: 3, http: 404, next: 'List what exists first; the id may have expired.' },
  URL_INVALID: { exit: 2, http: 400, next: 'Give an absolute http:// or https:// URL.' },
  URL_SCHEME_UNSUPPORTED: { exit: 2, http: 400, next: 'Use an http:// or https:// URL.' },
  BACKGROUND_CHANNEL_UNSET: { exit: 2, http: 400, next: 'Give an absolute URL or set backgroundChannel.url.' },
  DIGEST_INVALID: { exit: 2, http: 400, next: 'Give sha256-<base64> or 64 hex digits.' },
  DIGEST_MISMATCH: {
    exit: 10,
    http: 502,
    next: 'Check the expected digest with the publisher; nothing was written.'
  },
  DESTINATION_INVALID: {
    exit: 2,
    http: 400,
    next: 'Give an absolute path of a file whose folder exists, outside the cache.'
  },
  DESTINATION_UNWRITABLE: { exit: 11, http: 409, next: 'Check the rights on the destination folder.' },
  DESTINATION_EXISTS: { exit: 13, http: 409, next: 'Give another name, or allow the file to be replaced.' },
  DESTINATION_BUSY: {
    exit: 14,
    http: 409,
    next: 'Wait until the other download of this file has ended, or give another name.'
  },
  DISK_FULL: {
    exit: 12,
    http: 507,
    next: 'Free some space and ask again; what is in the cache is not downloaded again.'
  },
  ORIGIN_UNREACHABLE: { exit: 20, http: 502, next: 'Check the network, the proxy settings and the host name.' },
  ORIGIN_TLS: { exit: 21, http: 502, next: 'Check the certificate of the origin and the company root CAs.' },
  ORIGIN_NOT_FOUND: { exit: 22, http: 502, next: 'Check the URL; the origin says the file is not there.' },
  ORIGIN_FORBIDDEN: { exit: 23, http: 502, next: 'Check the credentials for this URL.' },
  ORIGIN_STATUS: { exit: 24, http: 502, next: 'Try later; the origin answered with an error.' },
  ORIGIN_REDIRECTS: { exit: 25, http: 502, next: 'Check the URL; the origin redirects in a circle or too often.' },
  ORIGIN_DOWNGRADE: {
    exit: 34,
    http: 502,
    next: 'Give the expected digest (--sha256) or ask for the http:// URL itself, if you trust the way to it.'
  },
  ORIGIN_PROTOCOL: { exit: 26, http: 502, next: 'The origin contradicts itself; report it to the people who run it.' },
  ORIGIN_CHANGED: { exit: 27, http: 502, next: 'Ask again; the file changed at the origin during the download.' },
  ORIGIN_STALLED: {
    exit: 28,
    http: 504,
    next: 'Try later. If small files arrive and large ones never do, large packets get lost on the way: lower the MTU, or let ICMP through.'
  },
  ORIGIN_BREAKS_OFF: {
    exit: 38,
    http: 502,
    next: 'Ask again later, or give the URL of a server that resumes; what has arrived so far is kept.'
  },
  ORIGIN_CLIENT_CERTIFICATE: {
    exit: 29,
    http: 502,
    next: 'Check origin.clientCertificates and the issuer and subject that were asked for.'
  },
  PROXY_CREDENTIALS: {
    exit: 33,
    http: 502,
    next: 'Put user name and password into the URL of origin.proxy or HTTPS_PROXY.'
  },
  TIMEOUT: { exit: 30, http: 504, next: 'Give a longer timeout or try later; verified pieces are kept.' },
  CANCELLED: { exit: 31, http: 409, next: 'Ask again when you want it; verified pieces are kept.' },
  SHUTTING_DOWN: { exit: 32, http: 503, next: 'Start the agent again; the request resumes.' },
  PIECE_DIGEST_MISMATCH: {
    exit: 40,
    http: 502,
    next: 'Nothing to do: the piece is fetched from elsewhere and the sender is banned.'
  },
  RECORD_INVALID: {
    exit: 41,
    http: 502,
    next: 'Nothing to do: the piece is fetched from elsewhere and the sender is banned.'
  },
  PEER_BUSY: { exit: 42, http: 503, next: 'Nothing to do: Larder asks another source.' },
  PEER_LOST: { exit: 43, http: 502, next: 'Nothing to do: Larder asks another source.' },
  PEER_REFUSED: { exit: 44, http: 502, next: 'Check that both PCs have the same site key and clock.' },
  PEER_PROTOCOL: { exit: 45, http: 502, next: 'Update the agent on the named PC.' },
  CACHE_DAMAGED: {
    exit: 50,
    http: 500,
    next: 'Nothing to do: the damaged file was quarantined and will be downloaded again.'
  },
  CACHE_UNUSABLE: { exit: 51, http: 500, next: 'Check the rights and the disk of the cache folder.' },
  CACHE_BUSY: { exit: 52, http: 409, next: 'Wait until the content is no longer in use, or cancel its transfer.' },
  AGENT_NOT_RUNNING: { exit: 60, http: 503, next: 'Start it with `larder agent`, or open the Larder application.' },
  AGENT_UNSUPPORTED: { exit: 61, http: 409, next: 'Update the older of agent and client.' },
  AGENT_ALREADY_RUNNING: { exit: 62, http: 409, next: 'Use the running agent, or give this one another data folder.' },
  TOKEN_INVALID: { exit: 63, http: 401, next: 'Run as the same user as the agent, or point to its data folder.' },
  FORBIDDEN: {
    exit: 64,
    http: 403,
    next: 'Call the API at 127.0.0.1 or localhost from a program, not from a web page.'
  },
  RIGHT_MISSING: {
    exit: 100,
    http: 403,
    next: 'Ask an administrator of this PC, or run the command as one.'
  },
  MACHINE_AGENT_UNSAFE: {
    exit: 101,
    http: 500,
    next: 'Only root may be able to write the named folder; install the package again, or correct owner and mode.'
  },
  MACHINE_AGENT_UNSUPPORTED: {
    exit: 102,
    http: 500,
    next: 'Let each user of this PC run their own agent.'
  },
  USER_UNCLEAR: {
    exit: 103,
    http: 400,
    next: 'Use --data-dir to name the data folder of the user you mean.'
  },
  DATA_FOLDER_NEWER: {
    exit: 104,
    http: 500,
    next: 'Install the newer Larder again, or give this one another data folder; the files that were in it are as they were.'
  },
  UPDATES_UNAVAILABLE: {
    exit: 105,
    http: 409,
    next: 'Set updates.manifestUrl, use a package that a release key is built into, or let the package manager of the system update Larder.'
  },
  UPDATE_MANIFEST_INVALID: {
    exit: 106,
    http: 502,
    next: 'Check the file at updates.manifestUrl; nothing was installed.'
  },
  UPDATE_SIGNATURE_INVALID: {
    exit: 107,
    http: 502,
    next: 'Check who has put the file at updates.manifestUrl there; nothing was installed.'
  },
  UPDATE_MANIFEST_EXPIRED: { exit: 108, http: 502, next: 'Sign the manifest again, or correct the clock of this PC.' },
  UPDATE_MANIFEST_OLDER: {
    exit: 109,
    http: 409,
    next: 'Publish the newest manifest again; to go back, install the older package by hand.'
  },
  UPDATE_CHANNEL_OTHER: {
    exit: 110,
    http: 409,
    next: 'Let updates.manifestUrl and updates.channel name the same channel.'
  },
  UPDATE_TOO_FAR: { exit: 111, http: 409, next: 'Install a release in between first, or the package by hand.' },
  UPDATE_NO_PACKAGE: {
    exit: 112,
    http: 409,
    next: 'Publish a manifest with packages of both releases for this system, or install the package by hand.'
  },
  UPDATE_PACKAGE_INVALID: {
    exit: 113,
    http: 502,
    next: 'Nothing to do: the package does not match the manifest and was not installed.'
  },
  UPDATE_FAILED: {
    exit: 114,
    http: 500,
    next: 'See what the installer says in the journal of the system; this release is not tried again by itself.'
  },
  UPDATE_PUT_OFF: {
    exit: 115,
    http: 503,
    next: 'Nothing to do: nothing was changed, and the agent tries again after its next look; the journal of the system says what was in the way.'
  },
  UPDATE_STUCK: {
    exit: 116,
    http: 500,
    next: 'See `journalctl -u larder-update` for what is in the way (another installation, a full disk) and end it; the installer tries again at most 15 minutes later.'
  },
  PORT_TAKEN: { exit: 65, http: 500, next: 'Choose another port in the settings, or end the program that uses it.' },
  SETTINGS_INVALID: { exit: 66, http: 400, next: 'Correct the named setting; the file is left as it is.' },
  SITE_KEY_INVALID: {
    exit: 67,
    http: 400,
    next: 'Make one with `larder fleet key new` and give every PC the same key.'
  },
  FLEET_INVALID: {
    exit: 72,
    http: 400,
    next: 'Make a new request with `larder fleet enroll --request` and let the holder of the fleet CA sign it.'
  },
  FLEET_CA_UNUSABLE: { exit: 73, http: 400, next: 'Check the folder of the fleet CA (--ca-dir) and its passphrase.' },
  INTEGRATION_OFF: { exit: 68, http: 409, next: 'Turn the integration on, or let the client download directly.' },
  BUSY: { exit: 69, http: 503, next: 'Try again in a moment.' },
  SETTING_MANAGED: {
    exit: 70,
    http: 403,
    next: 'Ask the person named to change it; `larder config explain` shows where it is set.'
  },
  SETTINGS_UNWRITABLE: { exit: 71, http: 409, next: 'Check the rights and the free space of the data folder.' },
  GATEWAY_HOST_REFUSED: {
    exit: 80,
    http: 403,
    next: 'Add the host to gateway.hosts, or show the gateway token in Proxy-Authorization.'
  },
  GATEWAY_METHOD: {
    exit: 81,
    http: 405,
    next: 'Send GET or HEAD; ask the origin directly for anything else, and for https:// use /fetch/https/host/path.'
  },
  GATEWAY_LOOP: {
    exit: 82,
    http: 508,
    next: 'Take the gateway out of the proxy settings of the agent (origin.proxy, HTTP_PROXY).'
  },
  NOT_KEPT: {
    exit: 86,
    http: 504,
    next: 'Ask without `Cache-Control: only-if-cached`, and the origin is asked.'
  },
  PRECONDITION_FAILED: {
    exit: 83,
    http: 412,
    next: 'Ask without If-Match; the file at the origin is another version.'
  },
  RANGE_UNSATISFIABLE: {
    exit: 84,
    http: 416,
    next: 'Ask for bytes inside the file; details.lengthBytes says how long it is.'
  },
  FOLDER_UNSAFE: {
    exit: 92,
    http: 500,
    next: 'Choose a folder that only you can write, or make the named one so (chown, chmod go-w).'
  },
  CACHE_TOO_SMALL: {
    exit: 91,
    http: 507,
    next: 'Raise cache.maxBytes or unpin something; with a destination such a file is delivered without being kept.'
  },
  TOOL_CONFIGURED: {
    exit: 35,
    http: 409,
    next: 'Take the named line out first, or set the tool up by hand; nothing was changed.'
  },
  TOOL_UNWRITABLE: {
    exit: 36,
    http: 403,
    next: 'Run the command as the owner of the named file (root for files of the system).'
  },
  TOOL_UNFIT: { exit: 37, http: 400, next: 'See `larder integrate --list` for what can be set up.' },
  ADDRESS_REFUSED: {
    exit: 90,
    http: 403,
    next: 'Ask for that address by itself (as in http://127.0.0.1/…) if you mean it; nothing else may lead there.'
  },
  CONTENT_RECALLED: {
    exit: 94,
    http: 451,
    next: 'Do not use copies of it; ask the administrator who recalled it for another version.'
  },
  CHECKS_FAILED: { exit: 85, http: 500, next: 'Follow the advice at each check that failed.' }
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof errorTable
export const ErrorCode = z.enum(Object.keys(errorTable) as [ErrorCode, ...ErrorCode[]])

/** An error as it crosses a process boundary. `next` says what the reader can do. */
export const ErrorView = z.object({
  code: ErrorCode,
  message: z.string().max(2000),
  next: z.string().max(400),
  details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional()
})
export type ErrorView = z.infer<typeof ErrorView>
