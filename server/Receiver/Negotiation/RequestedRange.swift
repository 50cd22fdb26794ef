/// The range of bytes in a `Range` field (RFC 9110 §14.1.2).
enum RequestedRange: Hashable, Sendable {
    /// From a position through another one, or to the end.
    case from(Int, through: Int?)
    /// The last bytes, by their number.
    case suffix(Int)

    enum Resolution: Hashable, Sendable {
        case part(Range<Int>)
        /// The last bytes of an empty file: `Content-Range` cannot express that range.
        case whole
        case unsatisfiable
    }

    /// - Returns: nil for a field that a server may ignore (§14.2), and this one does: with another unit, with an invalid
    ///   range, or with several ranges, whose response in parts few clients can read.
    init?(_ field: String) {
        guard let equals = field.firstIndex(of: "="),
            field[..<equals].trimmingOptionalSpace().lowercased() == "bytes"
        else { return nil }
        let ranges = field[field.index(after: equals)...].split(separator: ",").map { $0.trimmingOptionalSpace() }
            .filter { !$0.isEmpty }
        guard let range = ranges.first, ranges.count == 1, let dash = range.firstIndex(of: "-") else { return nil }
        let first = range[..<dash]
        let last = range[range.index(after: dash)...]
        switch (Self.number(first), Self.number(last)) {
        case (nil, let count?) where first.isEmpty:
            self = .suffix(count)
        case (let start?, nil) where last.isEmpty:
            self = .from(start, through: nil)
        case (let start?, let end?) where start <= end:
            self = .from(start, through: end)
        default:
            return nil
        }
    }

    func resolved(in size: Int) -> Resolution {
        switch self {
        case .from(let start, _) where start >= size:
            .unsatisfiable
        case .from(let start, let last):
            .part(start..<min(last ?? size - 1, size - 1) + 1)
        case .suffix(0):
            .unsatisfiable
        case .suffix(let count):
            size == 0 ? .whole : .part(max(0, size - count)..<size)
        }
    }

    /// Digits only. A number that does not fit into Int counts as the largest.
    private static func number(_ digits: Substring) -> Int? {
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int(digits) ?? .max
    }
}
