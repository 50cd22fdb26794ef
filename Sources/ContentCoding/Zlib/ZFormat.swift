/// What is around DEFLATE data, in zlib's numbers. https://zlib.net/manual.html#Advanced
enum ZFormat: CInt {
    case gzip = 31
    case zlib = 15
    case raw = -15
}
