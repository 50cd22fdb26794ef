import Platform

extension TemporaryFile {
    /// Why files cannot be stored in a directory.
    struct ProbeError: Error {
        let action: String
        let error: SystemError

        /// - Parameter path: of the directory.
        func storageError(_ path: String) -> StorageError {
            error.storageError("cannot \(action) in the directory \(path)")
        }
    }

    /// Finds out which kind works in a directory, and proves what the storage of files needs there.
    static func probe(_ directory: Directory, _ durability: Durability) throws(ProbeError) -> Kind {
        // Fails without /proc, and on file systems without hard links, for example.
        if (try? probe(directory, .unnamed, durability)) != nil { return .unnamed }
        try probe(directory, .hidden, durability)
        return .hidden
    }

    private static func probe(_ directory: Directory, _ kind: Kind, _ durability: Durability) throws(ProbeError) {
        let (first, second) = (UnnamedFile.randomName(prefix: namePrefix), UnnamedFile.randomName(prefix: namePrefix))
        var action = "create files"
        do throws(SystemError) {
            let file = try TemporaryFile(in: directory, kind: kind)
            defer { file.discard() }
            // A process that starts at this moment would remove a leftover.
            try file.withDescriptor { _ = Leftovers.claim($0.raw) }
            action = "sync files (see --durability)"
            if durability == .full { try file.sync() }
            action = "rename files without replacing others, or make hard links,"
            try file.move(to: first, in: directory)
            defer { try? directory.removeFile(first) }
            // The files of a request of several are named in this way, whatever the kind is.
            try directory.move(first, to: second, in: directory)
            defer { try? directory.removeFile(second) }
            action = "sync names (see --durability)"
            if durability == .full { try directory.descriptor.syncNames() }
        } catch {
            throw ProbeError(action: action, error: error)
        }
    }
}
