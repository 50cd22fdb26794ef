/// How much of an upload has been received, and which requests may go on with it. Without I/O.
struct UploadProgress: Hashable, Sendable {
    /// A request that continues an upload.
    struct Append: Hashable, Sendable {
        /// Where its first byte belongs.
        let offset: Int
        /// Whether its last byte is the last one of the upload; nil if the length of the upload decides that.
        let isLast: Bool?
        /// Of the upload, if the request tells it.
        let length: Int?
        /// Of the request; nil if it is not known.
        let contentLength: Int?
    }

    /// Why a request is refused. The upload stays as it is.
    enum Problem: Error, Hashable {
        /// The upload is complete.
        case completed
        /// The first byte of the request is not the next one of the upload.
        case offset(expected: Int, provided: Int)
        /// The request ends behind the end of the upload, or before it although it is the last one, or it tells another length.
        case length
    }

    /// How many bytes have been received.
    private(set) var offset: Int
    /// Of the whole upload; nil if it is not known yet.
    private(set) var length: Int?

    init(offset: Int = 0, length: Int? = nil) { (self.offset, self.length) = (offset, length) }

    /// Whether all bytes have been received.
    var isAtEnd: Bool { offset == length }

    /// A request continues the upload.
    mutating func append(_ append: Append) throws(Problem) {
        guard append.offset == offset else { throw .offset(expected: offset, provided: append.offset) }
        let end = append.contentLength.map { offset.addingReportingOverflow($0) }
        guard end?.overflow != true else { throw .length }
        let lengths = Set([length, append.length, append.isLast == true ? end?.partialValue : nil].compactMap(\.self))
        guard lengths.count <= 1 else { throw .length }
        if let known = lengths.first {
            guard known >= max(offset, end?.partialValue ?? 0) else { throw .length }
            length = known
        }
    }

    /// Bytes of a request have arrived.
    ///
    /// - Throws: if they do not belong to the upload.
    mutating func received(_ count: Int) throws(Problem) {
        if let length, count > length - offset { throw .length }
        offset += count
    }

    /// A request has ended.
    ///
    /// - Parameter isLast: see ``Append/isLast``.
    /// - Returns: whether the upload is complete.
    mutating func ended(isLast: Bool?) throws(Problem) -> Bool {
        guard isLast ?? isAtEnd else { return false }
        guard length ?? offset == offset else { throw .length }
        length = offset
        return true
    }
}
