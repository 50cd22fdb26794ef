public import Platform
internal import Synchronization

/// The digest of content, computed while the content is sent; see ``Content/digested(into:)``.
public final class ContentDigest: Sendable {
    /// The hash algorithm.
    public let algorithm: DigestAlgorithm
    private let computed = Mutex<[UInt8]?>(nil)

    /// - Parameter algorithm: SHA-256 by default.
    public init(_ algorithm: DigestAlgorithm = .sha256) { self.algorithm = algorithm }

    /// The digest of the bytes when the content was last read; nil while it has not been read to its end. A request that has
    /// been sent as a whole has read it. If the content is sent twice at the same time, either may set it.
    public internal(set) var bytes: [UInt8]? {
        get { computed.withLock { $0 } }
        set { computed.withLock { $0 = newValue } }
    }

    /// As in a `Repr-Digest` field (RFC 9530 §3), for example `sha-256=:…:`.
    public var fieldValue: String? { bytes.map { algorithm.fieldValue($0) } }
}

extension Content {
    /// The same content, of which a digest is computed while it is sent, in tasks, never in the calling one: to compare it
    /// with the digest that a server has computed, or to keep it.
    ///
    /// - Parameter digest: has the value when the content has been read to its end, before its last byte is sent.
    public func digested(into digest: ContentDigest) -> Content {
        replacingSource { DigestedSource($0, digest) }
    }
}

extension Part {
    /// The same part with the digest of its content as its header field `Repr-Digest` (RFC 9530 §3). Reads the content once,
    /// to its end, and suspends for so long.
    ///
    /// - Throws: ``ClientError`` with the code ``ClientError/Code/invalidPart`` for content that can be read once only, and
    ///   the errors of reading it.
    public func withDigest(_ algorithm: DigestAlgorithm = .sha256) async throws -> Part {
        let (digest, content) = (ContentDigest(algorithm), content)
        let source = try await Preparation.run(Client.Configuration(), content.blocking) {
            (preparation) throws(ClientError) in try content.prepare(preparation)
        }
        guard source.isRepeatable else {
            throw ClientError(
                .invalidPart, "\(name): its digest cannot stand before it, because it can be read once only")
        }
        try await RequestBody.readThrough(DigestedSource(source, digest))
        var part = self
        part.headerFields["Repr-Digest"] = digest.fieldValue
        return part
    }
}
