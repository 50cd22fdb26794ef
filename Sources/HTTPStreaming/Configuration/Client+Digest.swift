public import Platform

extension Client {
    /// The digest that is sent with a body, so that the server can check it: a `Repr-Digest` field (RFC 9530 §3) of the body
    /// as it is sent, after its content coding.
    ///
    /// It is computed by tasks on the threads of Swift's concurrency library while the body is read. Reading waits for it:
    /// SHA-256 takes 3.5 s of processor time for 1 GB, SHA-512 2.2 s.
    public struct Digest: Hashable, Sendable {
        /// Where the digest stands.
        public enum Placement: Hashable, Sendable {
            /// Behind the body, as a trailer field (RFC 9110 §6.5). The body is read once. It is sent chunked, also where its
            /// length is known, and over HTTP/1.1: libcurl sends trailers in no other way. A proxy may remove it.
            case trailer
            /// Before the body, as a header field. The body is read twice, so it must be possible to read it twice; and it
            /// cannot be written while it is sent, by ``Client/sendUnclosed(_:progress:)`` or a ``DuplexStream``.
            case field
        }

        /// The hash algorithm.
        public let algorithm: DigestAlgorithm
        /// Where the digest stands.
        public let placement: Placement

        /// - Parameters:
        ///   - algorithm: the hash algorithm.
        ///   - placement: behind the body by default.
        public init(_ algorithm: DigestAlgorithm, _ placement: Placement = .trailer) {
            self.algorithm = algorithm
            self.placement = placement
        }

        /// SHA-256, as a trailer field.
        public static let sha256 = Digest(.sha256)
        /// SHA-512, as a trailer field.
        public static let sha512 = Digest(.sha512)
    }
}
