import type { Installed } from '../../updates/installer-world.ts'

/** What a command said that was run to its end. */
export interface Said {
  readonly code: number
  readonly stdout: string
}

export interface SystemPackages {
  /** Installs a file without asking anybody, also an older one. */
  readonly install: readonly [program: string, ...args: string[]]
  /** Says what is installed. */
  readonly installed: readonly [program: string, ...args: string[]]
  readonly read: (said: Said) => Installed | null
}

/** What both programs end with where they know no such package. */
const NOT_FOUND = 1
const unknown: Installed = { version: null, whole: false }

export const systemPackages = {
  deb: {
    install: ['/usr/bin/dpkg', '--force-confold', '--install'],
    installed: ['/usr/bin/dpkg-query', '--show', '--showformat=${db:Status-Status} ${Version}', 'larder'],
    read({ code, stdout }) {
      if (code === NOT_FOUND) return null
      const [status = '', version = ''] = stdout.trim().split(' ')
      if (code !== 0 || version === '') return unknown
      if (status === 'not-installed' || status === 'config-files') return null
      return { version, whole: status === 'installed' }
    }
  },
  rpm: {
    install: ['/usr/bin/rpm', '--upgrade', '--oldpackage', '--replacepkgs'],
    installed: ['/usr/bin/rpm', '--query', '--queryformat', '%{VERSION}\\n', 'larder'],
    read({ code, stdout }) {
      if (code === NOT_FOUND) return null
      const versions = stdout.trim().split('\n')
      // Two lines: an installation was cut short, both releases are there.
      return code !== 0 || versions[0] === '' ? unknown : { version: versions.at(-1)!, whole: versions.length === 1 }
    }
  }
} as const satisfies Record<string, SystemPackages>
