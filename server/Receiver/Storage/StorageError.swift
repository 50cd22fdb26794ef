/// Why a file could not be stored or read.
public struct StorageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure. New versions may add codes: compare with the ones you know.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Name: String {
            case noSpace, noResources, fileTooLarge, changed, conditionFailed, conflict, invalidName, failed
        }

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
        /// The condition of a file does not hold: see ``Naming/condition``. Clients get 412.
        public static let conditionFailed = Code(name: .conditionFailed)
        /// Something that is not a file has the name, or something that is not a folder has the name of a folder. Clients get
        /// 409.
        public static let conflict = Code(name: .conflict)
        /// The filename cannot be used. Clients get 400.
        public static let invalidName = Code(name: .invalidName)
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

    static let conditionIsFalse = StorageError(
        .conditionFailed, "a condition of the request is false: nothing was stored")

    static let damagedUpload = StorageError(
        .failed, "the record of this unfinished upload is damaged: begin a new upload")

    static let takenOver = StorageError(
        .noResources, "another server goes on with this upload: ask for its offset")

    static let serverIsStopping = StorageError(.noResources, "the server is stopping")
}
