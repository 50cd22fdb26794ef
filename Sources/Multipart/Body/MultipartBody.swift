/// A message of the type `multipart/form-data` (RFC 7578) as a sequence of chunks, to be sent as a body by any client or
/// server.
///
/// ```swift
/// let body = try MultipartBody<ByteBufferView>([
///     .field("title", "Größe"),
///     .init(PartHead(name: "file", filename: "a.bin"), length: length, chunks: file.map { $0.readableBytesView }),
/// ])
/// var request = HTTPClientRequest(url: url)
/// request.headers.add(name: "Content-Type", value: body.contentType)
/// request.body = .stream(body.map { ByteBuffer($0) }, length: body.contentLength.map { .known(Int64($0)) } ?? .unknown)
/// ```
///
/// Chunks of parts are passed on as they are, without a copy. One is read when one is asked for: the receiver's
/// back-pressure is the source's. The framing between two contents is a chunk of its own.
///
/// A body can be iterated as often as the sequences of its parts, each time from the start: a client that follows a
/// redirect, or tries again, sends the same bytes.
public struct MultipartBody<Chunk: RangeReplaceableCollection<UInt8> & Sendable>: AsyncSequence, Sendable {
    /// The value of the message's Content-Type field.
    public var contentType: String { encoder.boundary.contentType }
    /// The length of the message in bytes, for Content-Length; nil if the length of a part is not known.
    public let contentLength: Int?

    private let encoder: MultipartEncoder
    private let parts: [(opening: [UInt8], part: Part)]

    /// Makes a message of these parts.
    ///
    /// - Parameters:
    ///   - parts: in the order of the message.
    ///   - boundary: default: a new random boundary. One that can be guessed lets content forge parts.
    /// - Throws: ``MultipartError/Code/invalidField`` or ``MultipartError/Code/invalidBoundary``: see
    ///   ``MultipartEncoder/opening(of:)``.
    public init(_ parts: [Part], boundary: Boundary = .random()) throws(MultipartError) {
        encoder = MultipartEncoder(boundary: boundary)
        var opened: [(opening: [UInt8], part: Part)] = []
        var length: Int? = encoder.messageEndLength
        for part in parts {
            let opening = try encoder.opening(of: part.head)
            opened.append((opening, part))
            length = length.flatMap { length in
                part.length.map { length + opening.count + $0 + MultipartEncoder.partEnd.count }
            }
        }
        self.parts = opened
        contentLength = length
    }

    /// Starts to read the parts, from the first one.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(parts: parts[...], messageEnd: encoder.messageEnd)
    }

    /// Returns the message in chunks, of which none is empty.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate var parts: ArraySlice<(opening: [UInt8], part: Part)>
        fileprivate let messageEnd: [UInt8]
        private var state = State.betweenParts

        private enum State {
            /// → `inPart`, `ended`
            case betweenParts
            /// `left` is the number of bytes that must follow, nil if the length is not known. → `betweenParts`, `failed`
            case inPart(Reader, left: Int?)
            /// Every further call returns nil.
            case ended
            /// Every further call throws this error.
            case failed(any Error)
        }

        fileprivate init(parts: ArraySlice<(opening: [UInt8], part: Part)>, messageEnd: [UInt8]) {
            self.parts = parts
            self.messageEnd = messageEnd
        }

        /// Returns the next chunk. Suspends while the sequence of a part has none.
        ///
        /// - Throws: the error of a part's sequence; ``MultipartError/Code/lengthMismatch`` as soon as a part is longer than
        ///   announced, or at its end if it is shorter. Later calls throw the same error.
        public mutating func next(isolation actor: isolated (any Actor)? = #isolation) async throws -> Chunk? {
            do {
                return try await nextChunk(isolation: actor)
            } catch {
                state = .failed(error)
                throw error
            }
        }

        private mutating func nextChunk(isolation actor: isolated (any Actor)?) async throws -> Chunk? {
            // The line end after a part's content is sent with what follows it.
            var framing: [UInt8] = []
            while true {
                switch state {
                case .betweenParts:
                    guard let (opening, part) = parts.popFirst() else {
                        state = .ended
                        return Chunk(framing + messageEnd)
                    }
                    framing += opening
                    state = .inPart(part.makeReader(), left: part.length)
                    return Chunk(framing)
                case .inPart(let reader, let left):
                    guard let chunk = try await reader(actor) else {
                        guard left ?? 0 == 0 else { throw Self.lengthMismatch }
                        state = .betweenParts
                        framing = MultipartEncoder.partEnd
                        continue
                    }
                    guard !chunk.isEmpty else { continue }
                    guard let left else { return chunk }
                    guard chunk.count <= left else { throw Self.lengthMismatch }
                    state = .inPart(reader, left: left - chunk.count)
                    return chunk
                case .ended:
                    return nil
                case .failed(let error):
                    throw error
                }
            }
        }

        private static var lengthMismatch: MultipartError {
            MultipartError(.lengthMismatch, "the content of a part is not as long as announced")
        }
    }
}

@available(*, unavailable)
extension MultipartBody.AsyncIterator: Sendable {}
