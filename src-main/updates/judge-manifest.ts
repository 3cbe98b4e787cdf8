import { LarderError } from '../lib/errors.ts'
import { compareVersions } from './compare-versions.ts'
import type { Manifest, PackageForm, Release, ReleasePackage } from './manifest.ts'

/** What decides beside the manifest. */
export interface UpdateFacts {
  /** The release that runs. */
  readonly version: string
  readonly form: PackageForm
  readonly arch: ReleasePackage['arch']
  readonly channel: string
  /** The newest manifest this PC has believed; null: none yet. */
  readonly seen: { readonly version: string; readonly issuedAt: string } | null
  /** Releases that this PC has gone back from. */
  readonly failed: readonly string[]
  /** Releases whose package the installer has, so that it can go back to them. */
  readonly kept: readonly string[]
  readonly wallMs: number
}

/** What is to be installed, and the way back. */
export interface Offer {
  readonly version: string
  readonly install: ReleasePackage
  /** The package of the release that runs; null: the installer has it. */
  readonly back: ReleasePackage | null
}

/**
 * What a manifest means for this PC.
 * @returns null when there is nothing to do: the release runs already, or has been gone back from
 * @throws UPDATE_CHANNEL_OTHER, UPDATE_MANIFEST_EXPIRED, UPDATE_MANIFEST_OLDER, UPDATE_TOO_FAR, UPDATE_NO_PACKAGE
 */
export function judgeManifest(manifest: Manifest, facts: UpdateFacts): Offer | null {
  const { release, channel, expiresAt, issuedAt, minVersion } = manifest
  const details = { version: release.version, installed: facts.version }
  if (channel !== facts.channel)
    throw new LarderError('UPDATE_CHANNEL_OTHER', `The update manifest is of the channel ${channel}`, {
      channel,
      expected: facts.channel
    })
  if (Date.parse(expiresAt) <= facts.wallMs)
    throw new LarderError(
      'UPDATE_MANIFEST_EXPIRED',
      `The update manifest has been out of date since ${expiresAt}`,
      details
    )
  if (facts.seen && isOlder({ version: release.version, issuedAt }, facts.seen))
    throw new LarderError(
      'UPDATE_MANIFEST_OLDER',
      `The update manifest names ${release.version} of ${issuedAt}, after one that named ${facts.seen.version} of ${facts.seen.issuedAt}`,
      { ...details, seen: facts.seen.version }
    )
  const order = compareVersions(release.version, facts.version)
  if (order < 0)
    throw new LarderError(
      'UPDATE_MANIFEST_OLDER',
      `The update manifest names ${release.version}, and ${facts.version} is installed`,
      details
    )
  if (order === 0 || facts.failed.includes(release.version)) return null
  if (compareVersions(facts.version, minVersion) < 0)
    throw new LarderError(
      'UPDATE_TOO_FAR',
      `${release.version} can be reached from ${minVersion} on, and ${facts.version} is installed`,
      { ...details, minVersion }
    )
  const install = packageFor(release, facts)
  if (!install) throw noPackage(release.version, facts)
  if (facts.kept.includes(facts.version)) return { version: release.version, install, back: null }
  const former = manifest.former.find(({ version }) => version === facts.version)
  const back = former && packageFor(former, facts)
  if (!back) throw noPackage(facts.version, facts)
  return { version: release.version, install, back }
}

/** Never backwards: neither to an older release, nor to what was signed before. */
function isOlder(one: NonNullable<UpdateFacts['seen']>, seen: NonNullable<UpdateFacts['seen']>): boolean {
  return compareVersions(one.version, seen.version) < 0 || Date.parse(one.issuedAt) < Date.parse(seen.issuedAt)
}

function packageFor(release: Release, { form, arch }: UpdateFacts): ReleasePackage | undefined {
  return release.packages.find((one) => one.form === form && one.arch === arch)
}

const noPackage = (version: string, { form, arch }: UpdateFacts): LarderError =>
  new LarderError('UPDATE_NO_PACKAGE', `The update manifest has no ${form} package of ${version} for ${arch}`, {
    version,
    form,
    arch
  })
