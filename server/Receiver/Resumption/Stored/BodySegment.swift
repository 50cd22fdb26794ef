/// A piece of a body as it was sent. All segments of a body, one after another, are the body.
enum BodySegment: Hashable, Sendable {
    /// These bytes: delimiters, headers of parts, values of fields.
    case literal([UInt8])
    /// The next bytes of a file.
    case content(file: Int, count: Int)
    /// The next bytes of the file that keeps a coded body.
    case coded(count: Int)
    /// The last received bytes, which may be content or the beginning of a delimiter. They count only if
    /// no segment follows: then the segments that follow contain them.
    case undecided([UInt8])
    /// No bytes: the length of the whole body has become known.
    case length(Int)

    /// No bytes: the digests up to here, which replace earlier ones. For storages that cannot read content back.
    case digests([UInt8])

    /// How many bytes of the body precede the next segment.
    var byteCount: Int {
        switch self {
        case .literal(let bytes): bytes.count
        case .content(_, let count), .coded(let count): count
        case .undecided, .length, .digests: 0
        }
    }
}
