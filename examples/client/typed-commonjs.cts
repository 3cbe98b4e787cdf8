import larder = require('larder/client')

export const bytesOf = async (url: string): Promise<Buffer | null> => (await larder.download({ url })).data
