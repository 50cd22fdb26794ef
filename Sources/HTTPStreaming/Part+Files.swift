extension Part {
    /// A part for each regular file of a folder, and of the folders below it.
    ///
    /// Suspends, and blocks no thread of the caller's, until the folders have been read; the files
    /// are looked at and opened when they are sent. What is neither a file nor a folder is passed
    /// over.
    ///
    /// - Parameters:
    ///   - directory: absolute, or relative to the working directory.
    ///   - name: the form's field, of all parts.
    ///   - followsLinks: whether symbolic links stand for what they lead to; passed over unless set.
    ///     One that leads to nothing, or to a folder that it is in, is an error.
    /// - Returns: in the order of their paths, by bytes. The filename of each is its path from
    ///   `directory` on, with slashes.
    /// - Throws: ``ClientError/Code/sourceUnreadable`` for a folder that cannot be read, and a name
    ///   that is not UTF-8.
    public static func files(
        in directory: String, name: String = "file", followsLinks: Bool = false
    ) async throws -> [Part] {
        try await withTaskExecutorPreference(BlockingExecutor.shared) {
            var tree = FileTree(root: directory, followsLinks: followsLinks)
            try tree.read()
            return tree.files.map { file($0.path, name: name, filename: $0.relativePath) }
        }
    }
}
