import HTTPStreaming
import Synchronization

/// Sends the requests of a plan, several at a time.
struct Uploader: Sendable {
    let jobs: [Job]
    let content: ContentOptions
    let configuration: Client.Configuration
    let workers: Int
    let rate: SharedRate
    /// Whether digests are compared.
    let verifies: Bool
    /// With `--resume`.
    let record: UploadRecord?

    /// Sends all requests, in this order, and returns when all have ended. When the task is cancelled, those under way are
    /// stopped and no more are begun.
    ///
    /// - Parameters:
    ///   - began: called when a request begins. The closures may be called at the same time for several requests.
    ///   - progress: as ``Client/send(_:progress:)-(Request,_)`` calls it, with the bytes that another process had read.
    ///   - ended: called when a request has ended.
    func run(
        began: @escaping @Sendable (Job) -> Void, progress: @escaping @Sendable (Job, UploadProgress, Int64) -> Void,
        ended: @escaping @Sendable (Outcome) -> Void
    ) async throws {
        let queue = Queue()
        // A configuration that cannot be used is one error, not one for each file.
        let clients = try (0..<min(workers, jobs.count)).map { _ in try Client(configuration: configuration) }
        await withTaskGroup(of: Void.self) { group in
            for client in clients {
                group.addTask {
                    while !Task.isCancelled {
                        let index = queue.next()
                        guard index < jobs.count else { return }
                        began(jobs[index])
                        ended(await send(jobs[index], client, progress))
                    }
                }
            }
        }
    }

    private func send(
        _ job: Job, _ client: Client, _ progress: @escaping @Sendable (Job, UploadProgress, Int64) -> Void
    ) async -> Outcome {
        if record?.wasAccepted(job) == true { return Outcome(job: job, result: .acceptedBefore) }
        let start = ContinuousClock.now
        let identity = record == nil ? nil : UploadRecord.identity(of: job)
        let continuation = Continuation()
        var outcome: Outcome
        do {
            if let journal = record?.journal(of: job) {
                outcome = try await send(job, journal: journal, continuation) { progress(job, $0, $1) }
            } else {
                outcome = try await send(job, client) { progress(job, $0, 0) }
            }
            if case .accepted = outcome.result { record?.accept(job, identity) }
        } catch let error as ClientError {
            outcome = Outcome(job: job, result: .failed(error))
            outcome.bytesSent = error.bytesSent
        } catch {
            preconditionFailure("the client throws ClientError only: \(error)")
        }
        outcome.duration = ContinuousClock.now - start
        outcome.bytesBefore = min(continuation.bytesSentBefore, outcome.bytesSent)
        outcome.bytesSent -= outcome.bytesBefore
        return outcome
    }

    private func send(
        _ job: Job, _ client: Client, _ progress: @escaping @Sendable (UploadProgress) -> Void
    ) async throws -> Outcome {
        rate.add(client)
        defer { rate.remove(client) }
        let digests = verifies ? job.files.map { _ in ContentDigest(.sha256) } : []
        let response = try await client.send(job.request(content, digests: digests), progress: progress)
        return await outcome(of: job, response) { digests.map(\.fieldValue) }
    }

    /// Continues the request of a process before this one, or begins one that the next can continue. A journal belongs to
    /// one client.
    private func send(
        _ job: Job, journal: Path, _ continuation: Continuation,
        _ progress: @escaping @Sendable (UploadProgress, Int64) -> Void
    ) async throws -> Outcome {
        var configuration = configuration
        configuration.journal = journal
        let client = try Client(configuration: configuration)
        let sendAnew = { try await send(job, client) { progress($0, 0) } }
        guard System.kind(of: journal) != nil else { return try await sendAnew() }
        rate.add(client)
        defer { rate.remove(client) }
        do {
            let response = try await client.resume(journal: journal) {
                progress($0, continuation.begin($0).bytesRead)
            }
            return try await outcome(of: job, response) {
                // What another process sent was not seen by this one.
                var digests: [String?] = []
                for file in job.files {
                    digests.append(try await Part.file(file.path).withDigest().headerFields["Repr-Digest"])
                }
                return digests
            }
        } catch let error as ClientError
            where [.invalidJournal, .resumptionFailed, .sourceChanged].contains(error.code)
        {
            // The server fails, and keeps the upload for the same command later.
            if let refusal = error.underlying as? StatusError, refusal.status >= 500 {
                return Outcome(job: job, result: .refused(refusal.status))
            }
            // The file has been changed, the server no longer knows the upload, or the credentials are not those of the
            // upload. The journal is replaced when the server accepts the new upload: if it refuses the credentials, the
            // same command with the right ones continues the old one.
            continuation.forget()
            return try await sendAnew()
        }
    }

    /// - Parameter digests: returns the digests of the sent files, in order; called only after a success.
    private func outcome<Failure: Error>(
        of job: Job, _ response: Response, digests: () async throws(Failure) -> [String?]
    ) async throws(Failure) -> Outcome {
        var outcome = Outcome(
            job: job, result: response.isSuccess ? .accepted(response.status) : .refused(response.status))
        outcome.bytesSent = response.bytesSent
        outcome.location = response.headerFields["Location"]
        // The status counts; the text is for people, unless digests are compared.
        outcome.answer = (try? await response.bytes()) ?? []
        outcome.metrics = response.metrics
        if verifies, response.isSuccess {
            if let complaint = Verification.complaint(try await digests(), answer: outcome.answer) {
                outcome = Outcome(job: job, result: .unverified(complaint), bytesSent: outcome.bytesSent)
            } else {
                outcome.isVerified = true
            }
        }
        return outcome
    }
}

/// What another process had sent of a request when it was interrupted: the first progress of the rest.
private final class Continuation: Sendable {
    private let first = Mutex<UploadProgress?>(nil)

    /// - Returns: the first progress with bytes that this was called with.
    func begin(_ progress: UploadProgress) -> UploadProgress {
        first.withLock { first in
            let value = first ?? progress
            if value.bytesRead > 0 { first = value }
            return value
        }
    }

    /// The request has been begun anew.
    func forget() { first.withLock { $0 = nil } }

    var bytesSentBefore: Int64 { first.withLock { $0?.bytesSent ?? 0 } }
}

/// Hands out the numbers of the requests.
private final class Queue: Sendable {
    private let count = Atomic(0)

    func next() -> Int { count.add(1, ordering: .relaxed).oldValue }
}

/// One rate for all clients that send: each has an equal share.
final class SharedRate: Sendable {
    private let maximum: Int?
    private let active = Mutex<[ObjectIdentifier: Client]>([:])

    /// - Parameter maximum: bytes per second; nil for no limit.
    init(maximum: Int?) { self.maximum = maximum }

    func add(_ client: Client) { change { $0[ObjectIdentifier(client)] = client } }

    func remove(_ client: Client) { change { $0[ObjectIdentifier(client)] = nil } }

    private func change(_ body: (inout [ObjectIdentifier: Client]) -> Void) {
        guard let maximum else { return }
        active.withLock { active in
            body(&active)
            for client in active.values { client.maximumUploadBytesPerSecond = max(1, maximum / active.count) }
        }
    }
}
