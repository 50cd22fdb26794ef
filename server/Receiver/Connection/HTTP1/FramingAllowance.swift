/// Limits the bytes of a connection that are neither a request's head nor its content: sizes and extensions of chunks,
/// trailer fields, empty lines before a request, spaces around values. SwiftNIO's decoder limits what it delivers, and
/// skips other bytes for as long as they are sent.
///
/// A request may have 96 KiB of them, and 16 more for each byte of content. Chunks of one byte have 5.
struct FramingAllowance {
    /// More than the longest head, because the reads before the one that completes a head have nothing but such bytes.
    private static let initial = 96 * 1024
    private static let perContentByte = 16
    /// However much content has arrived.
    private static let maximum = 1024 * 1024

    private var rest = Self.initial
    // Of the current read.
    private var content = 0
    private var isRenewed = false

    /// A request has begun or ended. The rest of this read is not limited: reads are short then.
    mutating func renew() {
        rest = Self.initial
        isRenewed = true
    }

    mutating func contentArrived(_ count: Int) { content += count }

    /// - Parameter count: of all bytes of the read.
    /// - Returns: whether the limit is kept.
    mutating func readCompleted(_ count: Int) -> Bool {
        if !isRenewed {
            rest = min(Self.maximum, rest + content * Self.perContentByte) - max(0, count - content)
        }
        (content, isRenewed) = (0, false)
        return rest >= 0
    }
}
