public import NIOPosix
import Platform
import Synchronization

/// Stores files in an object store that speaks the API of Amazon S3.
///
/// A file is invisible until its whole request has arrived. Files of 8 MiB and more are sent as multipart uploads while they
/// are received; a shorter one, if it is the only one of its request, by one `PUT`. The store checks the SHA-256 of each
/// part.
///
/// The files of a request of several appear one after another. If the store refuses one, those that have appeared are
/// removed again; if the server is killed in between, they stay, and the others never appear: an object store has no way
/// to publish several objects in one step.
///
/// No file is replaced that has appeared under the same name meanwhile, if the store knows `If-None-Match`. Without that,
/// two servers that store files of one name at the same time may keep one of them only.
///
/// Keys that begin with a dot behind the prefix, or behind a slash, are not files.
public final class S3Storage: Storage {
    let client: S3Client
    public let keepsPaths: Bool
    let spools: SpoolSettings
    let abandonedAge: Duration
    /// The keys that requests of this server are going to use.
    let reserved = Mutex<Set<String>>([])

    /// Finds the credentials; sends nothing. Blocks.
    ///
    /// - Parameters:
    ///   - location: where the store is.
    ///   - keepsPaths: whether files are stored below folders, as their clients name them: with slashes in their keys.
    ///   - temporaryFolder: for parts on their way to the store: 32 MiB for each upload that is under way, more for files of
    ///     more than 8 GiB.
    ///   - patience: how long a request to the store is tried again. One of which nothing is heard for one and a half times
    ///     as long is sent once more; twice that for the one that completes an upload.
    ///   - abandonedAge: see ``removeLeftovers()``. Longer than any request with several files takes, whose first files wait for
    ///     the last one. The prefix of another server's storage must not begin with this one's, unless it is the same.
    ///   - credentials: called once, and again when the store says that they have expired. May block.
    public init(
        _ location: S3Location, keepsPaths: Bool = false, temporaryFolder: String = "/tmp",
        patience: Duration = .seconds(20), abandonedAge: Duration = .seconds(86_400),
        threadPool: NIOThreadPool = .singleton,
        credentials: @escaping @Sendable () throws(S3Credentials.Missing) -> S3Credentials
    ) throws(S3Credentials.Missing) {
        client = try S3Client(location, patience: patience, credentials)
        spools = SpoolSettings(folder: temporaryFolder, threadPool: threadPool, budget: BufferBudget())
        (self.keepsPaths, self.abandonedAge) = (keepsPaths, abandonedAge)
    }
}
