internal import Multipart

extension Part {
    /// Gives each chunk of a sequence to a closure, until that returns false.
    typealias ChunkIteration = @Sendable (_ body: (ArraySlice<UInt8>) async -> Bool) async throws -> Void

    /// What an open file descriptor gives: a pipe, a socket, standard input (0).
    ///
    /// It is read as the network takes it, never ahead of that by more than a buffer, and no
    /// thread waits for it. It can be read once only, so that a request with it is not sent
    /// again; but for a regular file, which is read from where the descriptor stands, without
    /// moving that, and which is treated as ``file(_:range:name:filename:contentType:)`` is.
    ///
    /// - Parameters:
    ///   - descriptor: open for reading; stays the caller's, who may close it when the call that
    ///     sends the part has returned, and who must not read from it while that goes on.
    ///   - name: the form's field.
    ///   - filename: what the server is told.
    ///   - contentType: the media type; guessed from the extension of `filename` unless given.
    ///   - length: so many bytes are sent, what comes behind them is left alone, and if there are
    ///     fewer it is an error, ``ClientError/Code/sourceChanged``. Unless given, all is sent up
    ///     to the end, and, but for a regular file, the request chunked.
    public static func descriptor(
        _ descriptor: Int32, name: String = "file", filename: String = "file", contentType: String? = nil,
        length: Int64? = nil
    ) -> Part {
        Part(
            head: PartHead(
                name: name, filename: filename, contentType: contentType ?? MediaType.guess(filename: filename)),
            source: .descriptor(descriptor, length: length, ReadOnce())
        )
    }

    /// What an asynchronous sequence of chunks of bytes gives. It can be read once only, so that a
    /// request with it is not sent again.
    ///
    /// The sequence is asked for its next chunk when the network has taken most of those before: at most
    /// 64 KiB and one chunk are held. Each chunk is as long as the sequence likes. It is iterated
    /// by a task of its own, which is cancelled when the request ends before the sequence.
    ///
    /// - Parameters:
    ///   - sequence: what it throws fails the request, with ``ClientError/Code/sourceUnreadable``,
    ///     and is the error's `underlying`.
    ///   - name: the form's field.
    ///   - filename: what the server is told.
    ///   - contentType: the media type; guessed from the extension of `filename` unless given.
    ///   - length: of all chunks, in bytes. If it turns out to be another one, it is an error,
    ///     ``ClientError/Code/sourceChanged``, before the server has the whole: the last byte is sent
    ///     when the sequence has ended. Unless given, the request is sent chunked.
    public static func stream<Chunks: AsyncSequence & Sendable>(
        _ sequence: Chunks, name: String = "file", filename: String = "file", contentType: String? = nil,
        length: Int64? = nil
    ) -> Part where Chunks.Element: Collection<UInt8> & SendableMetatype, Chunks.AsyncIterator: SendableMetatype {
        stream(name, filename, contentType, length, ReadOnce()) { sequence }
    }

    /// The same for what can be read again: `makeSequence` is called for each time that the content
    /// is sent, and must give the same bytes each time.
    public static func stream<Chunks: AsyncSequence & SendableMetatype>(
        name: String = "file", filename: String = "file", contentType: String? = nil, length: Int64? = nil,
        makeSequence: @escaping @Sendable () async throws -> Chunks
    ) -> Part where Chunks.Element: Collection<UInt8> & SendableMetatype, Chunks.AsyncIterator: SendableMetatype {
        stream(name, filename, contentType, length, nil, makeSequence)
    }

    private static func stream<Chunks: AsyncSequence & SendableMetatype>(
        _ name: String, _ filename: String, _ contentType: String?, _ length: Int64?, _ once: ReadOnce?,
        _ makeSequence: @escaping @Sendable () async throws -> Chunks
    ) -> Part where Chunks.Element: Collection<UInt8> & SendableMetatype, Chunks.AsyncIterator: SendableMetatype {
        let content = StreamContent(name: filename, length: length, once: once) { body in
            for try await chunk in try await makeSequence() {
                guard await body(ArraySlice(chunk)) else { return }
            }
        }
        return Part(
            head: PartHead(
                name: name, filename: filename, contentType: contentType ?? MediaType.guess(filename: filename)),
            source: .stream(content)
        )
    }

    /// Whether the content can be read more than once: only then can a request be sent again, after
    /// a redirect, say, or a lost connection. Not of a descriptor, unless it is a regular file, which
    /// shows when it is sent; nor of a stream, unless it can be made anew.
    public var isRepeatable: Bool {
        switch source {
        case .file, .bytes: true
        case .descriptor: false
        case .stream(let content): content.once == nil
        }
    }
}
