/// Limits of decoded content, which protect against small data that decodes to very large content.
public struct DecodingLimits: Hashable, Sendable {
    /// The maximum length of the decoded content in bytes. Default: no limit.
    public var size = Int.max
    /// The maximum number of decoded bytes per byte of data, 1 or more. Default: no limit. DEFLATE allows up to 1,032.
    public var ratio = Int.max
    /// ``ratio`` applies only to content of more bytes than this, because small content may consist of zeros.
    /// Default: 1 MiB.
    public var ratioAllowance = 1 << 20

    /// Makes limits. By default there are none.
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
