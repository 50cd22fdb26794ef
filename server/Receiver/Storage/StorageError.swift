/// Why a file could not be stored or read.
public struct StorageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure. New versions may add codes: compare with the ones you know.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Name: String { case noSpace, noResources, fileTooLarge, changed, failed }

        private let name: Name

        public var description: String { name.rawValue }

        /// The disk is full, or the quota is used up. Clients get 507.
        public static let noSpace = Code(name: .noSpace)
        /// Out of file descriptors, memory or threads: a later try may succeed. Clients get 503.
        public static let noResources = Code(name: .noResources)
        /// The file is larger than the file system or a limit of the process allows. Clients get 413.
        public static let fileTooLarge = Code(name: .fileTooLarge)
        /// The file is no longer the one that was opened.
        public static let changed = Code(name: .changed)
        /// Any other failure. Clients get 500.
        public static let failed = Code(name: .failed)
    }

    public let code: Code
    /// One line for people. Clients get it too.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    static let serverIsStopping = StorageError(.noResources, "the server is stopping")
}
