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
