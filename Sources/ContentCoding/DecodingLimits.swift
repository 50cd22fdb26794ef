/// How much a decoder gives out before it refuses to go on: a few bytes of DEFLATE may stand for a
/// thousand times as many.
public struct DecodingLimits: Hashable, Sendable {
    /// Bytes of decoded content; none unless set.
    public var size = Int.max
    /// Decoded bytes for each byte of data, 1 or more; none unless set. DEFLATE itself allows 1,032.
    public var ratio = Int.max
    /// Decoded bytes up to which ``ratio`` is not looked at, because small things may well be
    /// all zeros; 1 MiB unless set.
    public var ratioAllowance = 1 << 20

    public init(size: Int = .max, ratio: Int = .max, ratioAllowance: Int = 1 << 20) {
        self.size = size
        self.ratio = ratio
        self.ratioAllowance = ratioAllowance
    }

    func check(decoded: Int, from read: Int) throws(CodingError) {
        if decoded > size {
            throw CodingError(.sizeLimit, "the decoded content is longer than \(size) bytes")
        }
        if decoded > ratioAllowance, decoded / ratio > read {
            throw CodingError(.ratioLimit, "the decoded content is more than \(ratio) times as long as the data")
        }
    }
}
