/// Why a file could not be stored or read.
public struct StorageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong. More codes may be added; compare, do not enumerate.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Name: String { case noSpace, noResources, fileTooLarge, changed, failed }

        private let name: Name

        public var description: String { name.rawValue }

        /// The disk is full, or the quota is used up.
        public static let noSpace = Code(name: .noSpace)
        /// Out of file descriptors, memory or threads: may work again later.
        public static let noResources = Code(name: .noResources)
        /// The file is larger than the file system, or a limit of the process, allows.
        public static let fileTooLarge = Code(name: .fileTooLarge)
        /// The file is no longer the one that was opened.
        public static let changed = Code(name: .changed)
        /// Anything else.
        public static let failed = Code(name: .failed)
    }

    public let code: Code
    /// The particulars, in one line.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
