/// How much of a file has been received, by ``Response/save(to:durability:progress:)-(Path,_,_)`` or
/// ``Client/download(_:to:resuming:durability:progress:)-(_,Path,_,_,_)``.
///
/// A progress closure runs as one for ``UploadProgress`` does: in a task of its own, one call at a time. A slow closure
/// misses reports, but always receives the last one, before the call returns or throws.
public struct DownloadProgress: Hashable, Sendable {
    /// The number of bytes of content received, before decoding. Includes those that an earlier call with `resuming` has
    /// received. Starts again from 0 when the file does, because the one on the server has changed.
    public private(set) var bytesReceived: Int64 = 0
    /// The value of ``bytesReceived`` at the end; nil if the server does not announce it, or before its first response.
    public private(set) var totalBytes: Int64?
    /// How often the call has continued after an interruption, or has begun again; see ``Response/Metrics/resumptions``.
    public private(set) var resumptions = 0
    /// Set in one report before each delay after which the rest is asked for; nil in all others. A slow closure may miss
    /// it. Attempts are counted from 1 whenever more has been received than before.
    public internal(set) var retry: UploadProgress.Retry?
    /// The redirects that the last `GET` for the content has followed, in order; see ``UploadProgress/redirects``. After an
    /// interruption, the rest is asked for at the first URL again. Empty for the response to another method.
    public internal(set) var redirects: [UploadProgress.Redirect] = []

    /// ``bytesReceived`` divided by ``totalBytes``, from 0 to 1; 1 for an empty file. Nil if ``totalBytes`` is nil.
    public var fractionCompleted: Double? {
        totalBytes.map { $0 == 0 ? 1 : Double(bytesReceived) / Double($0) }
    }
}

extension ProgressCounter<DownloadProgress> {
    /// Reports the delay before the next attempt, and redirects; does nothing if there is no delay and no new redirect.
    func report(_ retry: UploadProgress.Retry?, _ redirects: [UploadProgress.Redirect]) {
        var progress = progress
        guard isWanted, retry != nil || redirects != progress.redirects else { return }
        (progress.retry, progress.redirects) = (retry, redirects)
        report(progress)
    }
}
