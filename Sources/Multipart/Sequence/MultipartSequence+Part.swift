extension MultipartSequence {
    /// A part of a message that is being read.
    public struct Part {
        /// The header of the part.
        public let head: PartHead
        /// The content of the part. What is not read of it is skipped.
        public let body: Body

        @usableFromInline
        init(head: PartHead, body: Body) {
            self.head = head
            self.body = body
        }

        /// Reads the rest of the content into memory. Suspends until the source has delivered it.
        ///
        /// - Parameter limit: the maximum number of bytes.
        /// - Throws: ``MultipartError/Code/contentTooLarge`` if there are more; the rest is skipped by the next part. Otherwise
        ///   the same errors as ``Body``.
        public nonisolated(nonsending) func bytes(limit: Int) async throws -> [UInt8] {
            var bytes: [UInt8] = []
            var iterator = body.makeAsyncIterator()
            while let chunk = try await iterator.next(isolation: #isolation) {
                guard chunk.count <= limit - bytes.count else {
                    throw MultipartError(.contentTooLarge, "a part has more than \(limit) bytes")
                }
                bytes += chunk
            }
            return bytes
        }

        /// Reads the rest of the content as UTF-8 (RFC 7578 §5.1.2). Suspends until the source has delivered it.
        ///
        /// - Parameter limit: the maximum number of bytes.
        /// - Throws: ``MultipartError/Code/contentTooLarge`` if there are more, ``MultipartError/Code/invalidText`` if they
        ///   are not UTF-8. Otherwise the same errors as ``Body``.
        public nonisolated(nonsending) func text(limit: Int) async throws -> String {
            guard let text = String(validating: try await bytes(limit: limit), as: UTF8.self) else {
                throw MultipartError(.invalidText, "the content of a part is not UTF-8")
            }
            return text
        }
    }

    /// The content of a part, in chunks that are slices of the source's chunks, not copies. None is empty.
    ///
    /// Where the source's chunks end within bytes that look like the start of a delimiter, these bytes come in a chunk of
    /// their own: no more than the length of a delimiter.
    ///
    /// A second iteration continues where the first one was left.
    public struct Body: AsyncSequence {
        @usableFromInline let reader: MultipartReader<Source>
        /// The number of the part in the message.
        @usableFromInline let number: Int

        @usableFromInline
        init(reader: MultipartReader<Source>, number: Int) {
            self.reader = reader
            self.number = number
        }

        /// Continues to read the content.
        @inlinable
        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: self) }

        /// Returns the content in chunks.
        public struct AsyncIterator: AsyncIteratorProtocol {
            @usableFromInline let body: Body

            @inlinable
            init(body: Body) { self.body = body }

            /// Reads the next chunk. Suspends until the source has given it.
            ///
            /// - Returns: nil at the end of the part.
            /// - Throws: ``MultipartError``, the error of the source, or `CancellationError`.
            @inlinable
            public mutating func next(
                isolation actor: isolated (any Actor)? = #isolation
            ) async throws -> Source.Element.SubSequence? {
                try await body.reader.nextContent(ofPart: body.number, isolation: actor)
            }
        }
    }

    /// Reads the whole message, which is a form: the values of its fields in memory, its files with a closure.
    ///
    /// - Parameters:
    ///   - limit: the maximum number of bytes of all names and values.
    ///   - readFile: is called for each part with a filename. What it does not read is skipped. Default: skips files.
    /// - Returns: the values of each field, in the order of the message. Several fields may have the same name.
    /// - Throws: ``MultipartError/Code/contentTooLarge``; ``MultipartError/Code/invalidText`` if a value is not UTF-8; the
    ///   errors of reading the message and of `readFile`.
    public nonisolated(nonsending) func fields(
        limit: Int, readFile: nonisolated(nonsending) (Part) async throws -> Void = { _ in }
    ) async throws -> [String: [String]] {
        var fields: [String: [String]] = [:]
        var left = limit
        var iterator = makeAsyncIterator()
        while let part = try await iterator.next(isolation: #isolation) {
            guard part.head.filenameBytes == nil else {
                try await readFile(part)
                continue
            }
            left -= part.head.name.utf8.count
            guard left >= 0 else {
                throw MultipartError(.contentTooLarge, "the fields have more than \(limit) bytes")
            }
            let value = try await part.text(limit: left)
            left -= value.utf8.count
            fields[part.head.name, default: []].append(value)
        }
        return fields
    }
}

@available(*, unavailable)
extension MultipartSequence.Part: Sendable {}
@available(*, unavailable)
extension MultipartSequence.Body: Sendable {}
@available(*, unavailable)
extension MultipartSequence.Body.AsyncIterator: Sendable {}
