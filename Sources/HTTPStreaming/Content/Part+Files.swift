internal import Platform

extension Part {
    /// A part for each regular file of a folder and of the folders below it.
    ///
    /// Suspends until the folders have been read, and blocks no thread of the caller's. The files are opened when they
    /// are sent. Anything but files and folders is skipped.
    ///
    /// - Parameters:
    ///   - directory: absolute, or relative to the working directory.
    ///   - name: the field of the form, of all parts.
    ///   - followsLinks: whether symbolic links are followed; skipped by default. A link that leads to nothing, or to
    ///     a folder that it is in, is an error.
    ///   - changes: which bytes to send of a file that is written to during the upload; by default that is an error.
    /// - Returns: in the order of their paths, by bytes. The filename of each is its path below `directory`, with
    ///   slashes; bytes that are not UTF-8 are kept.
    /// - Throws: ``ClientError/Code/sourceUnreadable`` for a folder that cannot be read.
    public static func files(
        in directory: Path, name: String = "file", followsLinks: Bool = false,
        changes: Content.FileChanges = .unchanged
    ) async throws -> [Part] {
        try await withTaskExecutorPreference(BlockingExecutor.shared) {
            var tree = FileTree(root: directory, followsLinks: followsLinks)
            try tree.read()
            return tree.files.map { file in
                var part = Part.file(file.path, name: name, changes: changes)
                part.filename = file.relativePath
                return part
            }
        }
    }

    /// See ``files(in:name:followsLinks:changes:)-(Path,_,_,_)``.
    public static func files(
        in directory: String, name: String = "file", followsLinks: Bool = false,
        changes: Content.FileChanges = .unchanged
    ) async throws -> [Part] {
        try await files(in: Path(directory), name: name, followsLinks: followsLinks, changes: changes)
    }
}
