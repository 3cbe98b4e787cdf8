/** Endings of files that do something when opened; those of all systems, because a share may be read by any. */
const runnable = new Set(
  'app apk appimage appref-ms application bash bat bin chm cmd com command cpl csh deb desktop dmg elf exe fish gadget hta inf ins iso jar job js jse jnlp ksh lnk mpkg msc msi msix msixbundle msp mst out pif pkg pl ps1 psd1 psm1 py pyw rb reg rpm run scf scr sct settingcontent-ms sh tool url vb vbe vbs vhd vhdx ws wsc wsf wsh xll zsh'.split(
    ' '
  )
)

/** True when opening this file could run something. A file without an ending counts as such. */
export function mayRun(path: string): boolean {
  const name =
    path
      .split(/[/\\]/)
      .at(-1)
      ?.replace(/[. ]+$/, '') ?? ''
  const dot = name.lastIndexOf('.')
  return dot <= 0 || runnable.has(name.slice(dot + 1).toLowerCase())
}
