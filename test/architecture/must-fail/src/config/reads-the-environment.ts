// refused: process.env
export const port = process.env['HASP_PORT']
