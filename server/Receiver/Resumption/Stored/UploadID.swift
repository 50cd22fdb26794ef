import Platform

/// Names an unfinished upload in its location: 128 random bits, so that nobody can guess one.
struct UploadID: Hashable, Sendable, CustomStringConvertible {
    private static let digits = 32

    /// 32 hexadecimal digits.
    let description: String

    /// A new one.
    init() {
        let bits = UInt128.random(in: .min ... .max)
        description = stride(from: 120, through: 0, by: -8).map { UInt8(truncatingIfNeeded: bits >> $0) }.hexadecimal
    }

    /// - Returns: nil if the text is none of the texts that ``description`` can be. From a client: data, never a path.
    init?(_ text: some StringProtocol) {
        let isValid =
            text.utf8.count == Self.digits
            && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
        guard isValid else { return nil }
        description = String(text)
    }
}
