extension Client {
    /// How the peer of an `https` URL, or of an `https` proxy, is verified, and what it is shown.
    ///
    /// The peer's certificate must lead to an authority that is trusted, be valid now, and be for the
    /// name in the URL; the version is 1.2 or later. There is no way to do without: for a
    /// certificate of one's own, name its authority, or itself, in ``caFile``.
    public struct TLS: Hashable, Sendable {
        /// A file of certificates in PEM, which are trusted instead of the system's; the system's
        /// unless set. <https://curl.se/libcurl/c/CURLOPT_CAINFO.html>
        public var caFile: String?

        /// What this client proves itself with, where the server asks for it; nothing unless set.
        public var clientCertificate: ClientCertificate?

        /// The public keys that the server may have, as `sha256//` and the base64 form of the SHA-256
        /// of its SubjectPublicKeyInfo in DER; any unless set. Besides, not instead of, a certificate
        /// that is trusted. <https://curl.se/libcurl/c/CURLOPT_PINNEDPUBLICKEY.html>
        public var pinnedPublicKeys: [String] = []

        /// The system's trust, and no certificate of one's own.
        public init() {}

        func validate() throws(ClientError) {
            if let caFile { try Self.check(caFile, "the CA file") }
            if let clientCertificate {
                try Self.check(clientCertificate.certificateFile, "the client certificate")
                try Self.check(clientCertificate.keyFile, "the key of the client certificate")
                guard clientCertificate.keyPassword?.utf8.contains(0) != true else {
                    throw ClientError(.invalidConfiguration, "the password of the client certificate's key holds a NUL")
                }
            }
            for key in pinnedPublicKeys {
                let digest = key.dropFirst("sha256//".count)
                guard key.hasPrefix("sha256//"), digest.utf8.count == 44, digest.last == "=",
                    digest.dropLast().utf8.allSatisfy(Self.isBase64)
                else {
                    throw ClientError(
                        .invalidConfiguration, "a pinned public key is not sha256// and the base64 form of a SHA-256")
                }
            }
        }

        /// That a file is there now; libcurl reads it whenever it connects.
        private static func check(_ path: String, _ what: String) throws(ClientError) {
            do throws(ClientError) {
                _ = try OpenFile(path: Path(path))
            } catch {
                throw ClientError(
                    .invalidConfiguration, "\(what) cannot be read: \(error.message)", underlying: error.underlying)
            }
        }

        private static func isBase64(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                true
            default:
                false
            }
        }
    }
}

extension Client.TLS {
    /// A certificate of the client's, with its private key. Shown, it is the files' names alone.
    public struct ClientCertificate: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
        CustomReflectable
    {
        let certificateFile: String
        let keyFile: String
        let keyPassword: String?

        /// - Parameters:
        ///   - certificateFile: in PEM; the client's own certificate, and those that lead to the
        ///     authority behind it.
        ///   - keyFile: in PEM; the same file unless given.
        ///   - keyPassword: what the key is encrypted with, if it is. Nobody is asked for it.
        public init(certificateFile: String, keyFile: String? = nil, keyPassword: String? = nil) {
            self.certificateFile = certificateFile
            self.keyFile = keyFile ?? certificateFile
            self.keyPassword = keyPassword
        }

        public var description: String { "\(certificateFile), key \(keyFile)" }
        public var debugDescription: String { description }
        public var customMirror: Mirror { Mirror(self, children: []) }
    }
}
