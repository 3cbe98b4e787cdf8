import { EventEmitter } from 'node:events'
import { host } from './host.ts'
import { NativeImage, nativeImage } from './images.ts'
import type { Menu } from './menu.ts'

/** Keeps what it is told; nothing is drawn. */
export class Tray extends EventEmitter {
  image_: NativeImage
  toolTip_ = ''
  menu_: Menu | null = null
  #destroyed = false

  constructor(image: NativeImage | string) {
    super()
    if (!host.app.isReady()) throw new Error('Cannot create Tray before app is ready')
    this.image_ = load(image)
  }

  setImage(image: NativeImage | string): void {
    this.image_ = load(image)
  }
  setToolTip(text: string): void {
    this.toolTip_ = text
  }
  setContextMenu(menu: Menu | null): void {
    this.menu_ = menu
  }
  destroy(): void {
    this.#destroyed = true
  }
  isDestroyed(): boolean {
    return this.#destroyed
  }
}

function load(image: NativeImage | string): NativeImage {
  const loaded = typeof image === 'string' ? nativeImage.createFromPath(image) : image
  if (loaded.isEmpty()) throw new Error(`Failed to load image from path '${loaded.path_}'`)
  return loaded
}
