import Platform

/// The hidden files and folders of killed processes. Unfinished uploads are kept, because they go on: see ``UnfinishedFolder``.
/// Their owners lock them while they live. Every call blocks.
enum Leftovers {
    /// Locks a file or folder for this process.
    ///
    /// - Returns: false if another process holds the lock. True also where the file system has no locks: nobody removes
    ///   leftovers there.
    static func claim(_ descriptor: Int32) -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK }

    /// Unlocks a file or folder before its descriptor is closed.
    static func release(_ descriptor: Int32) { _ = flock(descriptor, LOCK_UN) }

    /// Completes what killed processes have left in a directory, when this process opens it.
    static func recover(
        in directory: Directory, naming numbers: NumberedNames, durability: Durability
    ) throws(SystemError) {
        try remove(from: directory, naming: numbers, durability: durability)
        for upload in try UnfinishedFolder.all(in: directory) { upload.recover(numbers, durability) }
    }

    /// Removes the leftovers in a directory. Files of a killed process that had begun to name them get their names first. Of
    /// completed uploads only their requests and answers stay.
    ///
    /// - Parameter age: in seconds. Those that changed later are left alone: a file that is being replaced has a hidden
    ///   name for a moment, and no lock.
    static func remove(
        from directory: Directory, unchangedFor age: Int = 0, naming numbers: NumberedNames, durability: Durability
    ) throws(SystemError) {
        for name in try directory.names(startingWith: TemporaryFile.namePrefix)
        where !name.hasPrefix(UnfinishedFolder.namePrefix) {
            // Read-only: a folder cannot be opened in another way.
            guard let leftover = try? directory.openFile(name, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK),
                flock(leftover.raw, LOCK_EX | LOCK_NB) == 0
            else { continue }
            guard let status = try? FileStatus(of: leftover.raw),
                let unchanged = FileStatus.secondsSinceChange(of: leftover.raw), unchanged >= age
            else { continue }
            guard !status.isRegular else {
                try? directory.removeFile(name)
                continue
            }
            // If that fails, the next start tries again: no client was told that the files are stored.
            let folder = StagingFolder(leftover: leftover, named: name, in: directory)
            try? folder.finish(naming: numbers, durability: durability)
        }
        for upload in try UnfinishedFolder.all(in: directory) { try? upload.removeRest(durability) }
    }
}
