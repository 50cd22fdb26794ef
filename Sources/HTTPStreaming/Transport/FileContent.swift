internal import Synchronization

/// A regular file, or a range of it, that is the content of a part: looked at, and perhaps open.
final class FileContent: Sendable {
    /// A path, or what there is instead.
    let name: String
    let identity: FileReader.Identity
    let range: Range<Int64>
    /// Nil if it can be opened again by its name.
    private let kept: FileReader?
    private let opened: Mutex<FileReader?>

    /// - Parameters:
    ///   - range: all of it if nil.
    ///   - canReopen: whether `name` is a path.
    ///   - staysOpen: whether it is to be open already when it is read first: not with many, of
    ///     which there may be more than descriptors.
    init(_ file: FileReader, range: Range<Int64>?, canReopen: Bool, staysOpen: Bool) throws(ClientError) {
        let whole = 0..<file.identity.size
        let range = range ?? whole
        guard whole.lowerBound <= range.lowerBound, range.upperBound <= whole.upperBound else {
            throw ClientError(
                .sourceUnreadable, "\(file.name): bytes \(range) are not all within the file's \(whole.upperBound)")
        }
        name = file.name
        identity = file.identity
        self.range = range
        kept = canReopen ? nil : file
        opened = Mutex(staysOpen ? file : nil)
    }

    /// What is open of it already; after the first time only what cannot be opened again.
    func takeOpened() -> FileReader? {
        kept ?? opened.withLock { $0.take() }
    }

    /// Opens it again; blocks.
    func open() throws(ClientError) -> FileReader {
        let file = try FileReader(path: name)
        guard file.identity == identity else {
            throw ClientError(.sourceChanged, "\(name): the file was changed before it was sent")
        }
        return file
    }
}
