extension MultipartBody {
    /// A part of a message that is to be sent.
    public struct Part: Sendable {
        /// The header of the part.
        public let head: PartHead
        /// The length of the content in bytes; nil if it is not known.
        public let length: Int?
        /// Starts to read the content.
        let makeReader: @Sendable () -> Reader

        /// A part whose content is in memory.
        public init(_ head: PartHead, _ content: Chunk) {
            self.head = head
            length = content.count
            makeReader = {
                var rest: Chunk? = content
                return { _ in rest.take() }
            }
        }

        /// A part whose content is read from a sequence when it is sent.
        ///
        /// - Parameters:
        ///   - head: the header of the part.
        ///   - length: the number of bytes of all chunks; nil if it is not known. If there are more or less, the body throws
        ///     ``MultipartError/Code/lengthMismatch``: it is never padded or shortened.
        ///   - chunks: is iterated each time the body is.
        public init<Chunks>(_ head: PartHead, length: Int? = nil, chunks: Chunks)
        where Chunks: AsyncSequence & Sendable, Chunks.Element == Chunk {
            self.head = head
            self.length = length
            makeReader = {
                var iterator = chunks.makeAsyncIterator()
                return { isolation in try await iterator.next(isolation: isolation) }
            }
        }

        /// A field of a form: text without a Content-Type, which means `text/plain` (RFC 7578 §4.4), as UTF-8.
        public static func field(_ name: String, _ value: String) -> Self {
            Part(PartHead(name: name), Chunk(value.utf8))
        }
    }

    /// Returns the next chunk of one part; nil at its end.
    typealias Reader = (_ isolation: isolated (any Actor)?) async throws -> Chunk?
}
