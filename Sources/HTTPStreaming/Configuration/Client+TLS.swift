internal import Platform

extension Client {
    /// How servers and proxies with `https` URLs are verified, and the client's own certificate.
    ///
    /// The peer's certificate must be issued by a trusted authority, be valid now and match the host in the URL; TLS
    /// 1.2 or later is used. To accept a self-signed certificate, give it, or its authority's, as ``caFile``: the connection
    /// is then as secure as with any other certificate. ``verifiesCertificates`` turns verification off.
    public struct TLS: Hashable, Sendable {
        /// A PEM file of certificates that are trusted instead of the system's; nil by default, for the system's.
        /// Read at each connection.
        /// <https://curl.se/libcurl/c/CURLOPT_CAINFO.html>
        public var caFile: String?

        /// The client certificate, for servers that request one; nil by default.
        public var clientCertificate: ClientCertificate?

        /// Public keys of servers to accept, each as `sha256//` and the base64 form of the SHA-256 of its
        /// SubjectPublicKeyInfo in DER; empty by default, for any. The certificate must be trusted as well, unless
        /// ``verifiesCertificates`` is false. The keys of proxies are not compared.
        /// <https://curl.se/libcurl/c/CURLOPT_PINNEDPUBLICKEY.html>
        public var pinnedPublicKeys: [String] = []

        /// Whether the certificates and the host names of servers and `https` proxies are verified; true by default.
        ///
        /// **Insecure if false.** Any certificate is accepted: whoever controls a part of the network can take the server's
        /// place, read credentials and content, and change what is sent and received. This is for tests. With
        /// ``pinnedPublicKeys``, the key of the server is still compared before anything is sent, and a server with another
        /// key is an error; the validity period and the name in its certificate do not matter then. Must be true if
        /// ``caFile`` is set, which would have no effect.
        /// <https://curl.se/libcurl/c/CURLOPT_SSL_VERIFYPEER.html>
        public var verifiesCertificates = true

        /// Trusts the system's authorities; no client certificate.
        public init() {}

        func validate() throws(ClientError) {
            try ClientError.require(
                verifiesCertificates || caFile == nil, "a CA file is given, but certificates are not verified")
            if let caFile { try Self.check(caFile, "the CA file") }
            if let clientCertificate {
                try Self.check(clientCertificate.certificateFile, "the client certificate")
                try Self.check(clientCertificate.keyFile, "the key of the client certificate")
                try ClientError.require(
                    clientCertificate.keyPassword?.utf8.contains(0) != true,
                    "the password of the client certificate's key contains a NUL")
            }
            for key in pinnedPublicKeys {
                let digest = key.dropFirst("sha256//".count)
                try ClientError.require(
                    key.hasPrefix("sha256//") && digest.utf8.count == 44 && digest.last == "="
                        && digest.dropLast().utf8.allSatisfy { ASCII.isAlphanumeric($0) || "+/".utf8.contains($0) },
                    "a pinned public key is not sha256// followed by a SHA-256 in base64")
            }
        }

        /// Checks that a file is readable now; libcurl reads it at each connection.
        private static func check(_ path: String, _ what: String) throws(ClientError) {
            do throws(ClientError) {
                _ = try OpenFile(path: Path(path))
            } catch {
                throw ClientError(
                    .invalidConfiguration, "\(what) cannot be read: \(error.message)", underlying: error.underlying)
            }
        }
    }
}

extension Client.TLS {
    /// A client certificate with its private key. The description shows the file names only.
    public struct ClientCertificate: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
        CustomReflectable
    {
        let certificateFile: String
        let keyFile: String
        let keyPassword: String?

        /// Names the files; ``Client/init(_:_:configuration:)`` throws if they cannot be read.
        ///
        /// - Parameters:
        ///   - certificateFile: a PEM file with the client's certificate, followed by its intermediate certificates.
        ///   - keyFile: a PEM file with the private key; the same file by default.
        ///   - keyPassword: the password of an encrypted key; nil by default. The client never prompts for it.
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
