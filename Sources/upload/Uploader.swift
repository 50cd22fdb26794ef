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
    ///   - progress: as ``Client/send(_:progress:)-(Request,_)`` calls it, for each request at the same time.
    ///   - ended: called for each request, perhaps at the same time.
    func run(
        progress: @escaping @Sendable (Job, UploadProgress) -> Void, ended: @escaping @Sendable (Outcome) -> Void
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
                        ended(await send(jobs[index], client, progress))
                    }
                }
            }
        }
    }

    private func send(
        _ job: Job, _ client: Client, _ progress: @escaping @Sendable (Job, UploadProgress) -> Void
    ) async -> Outcome {
        if record?.wasAccepted(job) == true { return Outcome(job: job, result: .acceptedBefore) }
        let (start, identity) = (ContinuousClock.now, UploadRecord.identity(of: job))
        var outcome: Outcome
        do {
            if let journal = record?.journal(of: job) {
                outcome = try await send(job, journal: journal) { progress(job, $0) }
            } else {
                outcome = try await send(job, client) { progress(job, $0) }
            }
            if case .accepted = outcome.result { record?.accept(job, identity) }
        } catch let error as ClientError {
            outcome = Outcome(job: job, result: .failed(error))
            outcome.bytesSent = error.bytesSent
        } catch {
            preconditionFailure("the client throws ClientError only: \(error)")
        }
        outcome.duration = ContinuousClock.now - start
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
        _ job: Job, journal: Path, _ progress: @escaping @Sendable (UploadProgress) -> Void
    ) async throws -> Outcome {
        var configuration = configuration
        configuration.journal = journal
        let client = try Client(configuration: configuration)
        guard System.kind(of: journal) != nil else { return try await send(job, client, progress) }
        rate.add(client)
        defer { rate.remove(client) }
        do {
            let response = try await client.resume(journal: journal, progress: progress)
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
            // The file has been changed, or the server no longer knows the upload.
            System.remove(journal)
            return try await send(job, client, progress)
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
