import NIOCore
import Platform
import Synchronization

/// The files of an unfinished upload while it is being written. Every call blocks, and they follow one another, except
/// ``Checkpoint/run(_:_:)``.
final class UnfinishedFiles: Sendable {
    private struct State {
        /// Nil while the upload is suspended.
        var directory: Directory?
        /// The file that is being written.
        var current: TemporaryFile?
        /// Of the current file when the upload was suspended.
        var suspendedSize: Int?
        /// Complete files that are still open, in order.
        var complete: [TemporaryFile] = []
        var count = 0
        var record: TemporaryFile?
        var recordSize: Int
        var coded: TemporaryFile?
        var codedSize = 0
        /// Whether files have been created since the last checkpoint.
        var hasNewNames = true
        /// Whether the files have their names already. A coded body that is decoded again is not stored again.
        var isPublished = false
    }

    /// What a checkpoint writes to the disk, while the files are written on.
    struct Checkpoint: Sendable {
        /// Second descriptors of the files.
        let files: [SharedDescriptor]
        let directory: Directory?
        let record: TemporaryFile

        func run(_ entry: [UInt8], _ durability: Durability) throws(SystemError) {
            if durability == .full {
                for file in files { try file.descriptor.syncContent() }
                try directory?.descriptor.syncNames()
            }
            try entry.withUnsafeBufferPointer { entry throws(SystemError) in
                _ = try record.write(UnsafeRawBufferPointer(entry))
            }
            if durability == .full { try record.sync() }
        }
    }

    final class SharedDescriptor: Sendable {
        let descriptor: Descriptor
        init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
    }

    let folder: UnfinishedFolder
    private let durability: Durability
    private let state: Mutex<State>

    /// - Parameter directory: of the folder, locked by this process.
    init(_ folder: UnfinishedFolder, _ directory: Directory, _ durability: Durability) {
        (self.folder, self.durability) = (folder, durability)
        state = Mutex(State(directory: directory, recordSize: 0))
    }

    var directory: Directory {
        get throws(SystemError) {
            guard let directory = state.withLock({ $0.directory }) else { throw SystemError(code: EBADF) }
            return directory
        }
    }

    func begin() throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            guard let directory = state.directory else { throw SystemError(code: EBADF) }
            guard !state.isPublished else { return }
            state.current = try TemporaryFile(named: StagingFolder.fileName(state.count), in: directory, size: 0)
            state.count += 1
            state.hasNewNames = true
        }
    }

    func write(
        _ pieces: [ByteBuffer], startWriteback: (@escaping @Sendable () -> Void) -> Void
    ) throws(SystemError) {
        let (current, isPublished) = state.withLock { ($0.current, $0.isPublished) }
        guard !isPublished else { return }
        guard let file = current else { throw SystemError(code: EBADF) }
        try file.write(pieces, durability, startWriteback: startWriteback)
    }

    func end() {
        state.withLock { state in
            if let file = state.current.take() { state.complete.append(file) }
        }
    }

    func closeComplete() throws(SystemError) {
        let files = state.withLock { state in
            defer { state.complete = [] }
            return state.complete
        }
        try files.close(durability)
    }

    /// Appends to the coded body.
    func keepCoded(_ piece: ByteBuffer) throws(SystemError) {
        let file = try state.withLock { state throws(SystemError) in
            if let coded = state.coded { return coded }
            guard let directory = state.directory else { throw SystemError(code: EBADF) }
            let coded = try TemporaryFile(named: UnfinishedFolder.coded, in: directory, size: state.codedSize)
            (state.coded, state.hasNewNames) = (coded, true)
            return coded
        }
        _ = try piece.withUnsafeReadableBytes { bytes throws(SystemError) in try file.write(bytes) }
    }

    /// - Parameter isCoded: of a coded body only the coded bytes have to be kept.
    func checkpoint(isCoded: Bool) throws(SystemError) -> Checkpoint {
        try state.withLock { state throws(SystemError) in
            guard let directory = state.directory else { throw SystemError(code: EBADF) }
            if state.record == nil {
                state.record = try TemporaryFile(named: UnfinishedFolder.body, in: directory, size: state.recordSize)
                state.hasNewNames = true
            }
            guard let record = state.record else { throw SystemError(code: EBADF) }
            var files: [SharedDescriptor] = []
            if durability == .full {
                let written = isCoded ? [state.coded] : state.complete.map { $0 } + [state.current]
                for case let file? in written {
                    if let copy = try file.duplicate() { files.append(SharedDescriptor(copy)) }
                }
            }
            defer { state.hasNewNames = false }
            return Checkpoint(files: files, directory: state.hasNewNames ? directory : nil, record: record)
        }
    }

    /// Syncs all files of the upload, which are complete and closed.
    func syncAll() throws(SystemError) {
        let directory = try directory
        for index in 0..<state.withLock({ $0.count }) {
            let file = try directory.openFile(StagingFolder.fileName(index), flags: O_WRONLY | O_NOFOLLOW)
            try file.syncContent()
        }
    }

    /// Closes all descriptors.
    func suspend() {
        state.withLock { state in
            state.suspendedSize = state.current?.size
            try? state.current?.close()
            for file in state.complete { try? file.close() }
            if let record = state.record { state.recordSize = record.size }
            if let coded = state.coded { state.codedSize = coded.size }
            try? state.record?.close()
            try? state.coded?.close()
            (state.current, state.record, state.coded, state.complete) = (nil, nil, nil, [])
            // A job that has just ended may still hold the descriptor.
            if let directory = state.directory { Leftovers.release(directory.descriptor.raw) }
            state.directory = nil
        }
    }

    /// Goes on after ``suspend()``.
    func resume() throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            guard state.directory == nil else { return }
            let directory = try folder.claim()
            // Another server of the same directory may have gone on with the upload, or ended it.
            guard try directory.status(of: UnfinishedFolder.body)?.size ?? 0 == state.recordSize else {
                throw SystemError(code: ESTALE)
            }
            if let size = state.suspendedSize {
                let name = StagingFolder.fileName(state.count - 1)
                state.current = try TemporaryFile(named: name, in: directory, size: size)
            }
            state.suspendedSize = nil
            state.directory = directory
        }
    }

    /// Whether some files have their names already: then their content is complete, and has been checked. Otherwise the record
    /// of their names has no meaning any more, and is removed.
    func isPublished() throws(SystemError) -> Bool {
        let directory = try directory
        guard let bytes = try UnfinishedFolder.read(UnfinishedFolder.publication, in: directory) else { return false }
        if let publication = Publication(bytes: bytes),
            try publication.published(from: directory, in: folder.parent).contains(where: { $0 != nil })
        {
            return true
        }
        try directory.removeFile(UnfinishedFolder.publication)
        return false
    }

    /// Goes on with files that an earlier process or transaction has written.
    ///
    /// - Parameters:
    ///   - sizes: of the files, as recorded.
    ///   - isInFile: whether the last one has not ended.
    ///   - record: the length of the record without an incomplete entry at its end.
    ///   - coded: how many bytes of a coded body are recorded; nil if the body is not coded.
    /// - Throws: `EIO` if a file has fewer bytes than recorded.
    func adopt(_ sizes: [Int], isInFile: Bool, record: Int, coded: Int?) throws(SystemError) {
        let directory = try directory
        var current: TemporaryFile?
        let isPublished = try isPublished()
        for (index, size) in isPublished ? [] : Array(sizes.enumerated()) {
            let name = StagingFolder.fileName(index)
            // Without anything recorded the file may not exist.
            let isCurrent = isInFile && index == sizes.count - 1
            guard isCurrent || directory.contains(name) else { throw SystemError(code: EIO) }
            let file = try TemporaryFile(named: name, in: directory, size: size)
            if isCurrent { current = file } else { try file.close() }
        }
        if let coded, try directory.status(of: UnfinishedFolder.coded)?.size ?? 0 < coded {
            throw SystemError(code: EIO)
        }
        state.withLock { [current] state in
            (state.current, state.isPublished) = (current, isPublished)
            state.count = sizes.count
            (state.recordSize, state.codedSize) = (record, coded ?? 0)
        }
    }
}
