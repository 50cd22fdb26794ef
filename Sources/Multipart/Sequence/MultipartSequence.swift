/// The parts of a multipart message (RFC 2046 §5.1) that is read from any asynchronous sequence of chunks of bytes.
///
/// ```swift
/// for try await part in try MultipartSequence(request.body, contentType: request.contentType) {
///     if part.head.filename == nil {
///         print(part.head.name, try await part.text(limit: 1024))
///     } else {
///         for try await chunk in part.body { try await file.write(chunk) }
///     }
/// }
/// ```
///
/// A chunk is `[UInt8]`, `ArraySlice<UInt8>`, `Data`, or any other collection of bytes with random access. SwiftNIO's
/// `ByteBuffer` is not a collection: give `body.map { $0.readableBytesView }`, and make a `ByteBuffer` of each chunk of a
/// part's body; neither copies.
///
/// - *Order.* Parts are read one after another. Asking for the next part skips the rest of the current one,
///   whose ``Part/body`` then throws ``MultipartError/Code/partPassed``.
/// - *Back-pressure.* The source is asked for a chunk only when a part, or content of a part, is asked for and the previous
///   chunk has been used up. One chunk at most is kept.
/// - *The end.* After the last part the source is read to its end: an error of the source there is thrown, and what follows
///   the message is limited by ``MultipartParser/Limits/epilogueBytes``. A loop that is left early reads no further.
/// - *Errors.* A message that ends early, is malformed or exceeds a limit throws a ``MultipartError``, from the part's body
///   if it is read, otherwise when the next part is asked for. An error of the source is thrown as it is. All later reads
///   throw the same error.
/// - *Cancellation.* A cancelled task gets `CancellationError` instead of the next chunk, also if the source ends early
///   when it is cancelled.
///
/// The sequence can be iterated as often as its source, which for the body of a request is once. It is `Sendable` if the
/// source is. Parts are not: they share the source with the iterator, and belong to the task that iterates.
///
/// A message of another type than `multipart/form-data`, such as `multipart/mixed`, may have parts without a
/// Content-Disposition, or with one of another type: see ``PartHead/name``. A part can itself be a message:
/// `MultipartSequence(part.body, contentType: part.head.contentType)`.
public struct MultipartSequence<Source: AsyncSequence>: AsyncSequence
where Source.Element: RandomAccessCollection & RangeReplaceableCollection, Source.Element.Element == UInt8 {
    @usableFromInline let source: Source
    @usableFromInline let parser: MultipartParser

    /// Reads a message of the type that a Content-Type field says.
    ///
    /// - Parameters:
    ///   - source: the bytes of the message. Chunks may be of any length.
    ///   - contentType: the value of the Content-Type field; nil if there is none.
    ///   - limits: limits of everything that is not content. Content is not limited.
    /// - Throws: ``MultipartError/Code/notMultipart`` if the type is not `multipart`,
    ///   ``MultipartError/Code/missingBoundary`` or ``MultipartError/Code/invalidBoundary``: see
    ///   ``Boundary/init(contentType:)``.
    public init(
        _ source: Source, contentType: String?, limits: MultipartParser.Limits = .init()
    ) throws(MultipartError) {
        let type = contentType.flatMap { ParameterizedValue(parsing: Array($0.utf8)) }
        guard let type, type.isMultipart else {
            throw MultipartError(.notMultipart, "the Content-Type is not multipart")
        }
        self.source = source
        parser = MultipartParser(
            boundary: try Boundary(of: type), limits: limits, isFormData: type.isNamed("multipart/form-data"))
    }

    /// Reads a message of the type `multipart/form-data` with this boundary.
    ///
    /// - Parameters:
    ///   - source: the bytes of the message. Chunks may be of any length.
    ///   - boundary: the boundary of the message.
    ///   - limits: limits of everything that is not content. Content is not limited.
    public init(_ source: Source, boundary: Boundary, limits: MultipartParser.Limits = .init()) {
        self.source = source
        parser = MultipartParser(boundary: boundary, limits: limits)
    }

    /// Starts to iterate the source.
    @inlinable
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(reader: MultipartReader(source.makeAsyncIterator(), parser: parser))
    }

    /// Returns one part after another.
    public struct AsyncIterator: AsyncIteratorProtocol {
        @usableFromInline let reader: MultipartReader<Source>

        @inlinable
        init(reader: MultipartReader<Source>) { self.reader = reader }

        /// Skips the rest of the current part, and reads the header of the next one. Suspends until the source has given
        /// it.
        ///
        /// - Returns: nil if the message is complete and the source has ended.
        /// - Throws: ``MultipartError``, the error of the source, or `CancellationError`.
        @inlinable
        public mutating func next(isolation actor: isolated (any Actor)? = #isolation) async throws -> Part? {
            guard let (head, number) = try await reader.nextPart(isolation: actor) else { return nil }
            return Part(head: head, body: Body(reader: reader, number: number))
        }
    }
}

extension MultipartSequence: Sendable where Source: Sendable {}

@available(*, unavailable)
extension MultipartSequence.AsyncIterator: Sendable {}
