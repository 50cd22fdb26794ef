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
        let start = ContinuousClock.now
        let continuation = Continuation()
        var outcome: Outcome
        do {
            outcome = try await send(job, client, continuation) { progress(job, $0, $1) }
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
        _ job: Job, _ client: Client, _ continuation: Continuation,
        _ progress: @escaping @Sendable (UploadProgress, Int64) -> Void
    ) async throws -> Outcome {
        let identity = record == nil ? nil : UploadRecord.identity(of: job)
        if let reported = record?.acceptance(of: job, identity) {
            let outcome = Outcome(job: job, result: .acceptedBefore)
            return reported.isEmpty ? outcome : await verified(outcome, identity, reported, nil)
        }
        let journal = record?.journal(of: job)
        // A journal belongs to one client.
        let client = try journal.map { try Client(configuration: configuration(with: $0)) } ?? client
        if let journal, System.kind(of: journal) != nil {
            do {
                let response = try await limited(client) {
                    try await client.resume(journal: journal) { progress($0, continuation.begin($0).bytesRead) }
                }
                return await outcome(of: job, response, identity, nil)
            } catch ClientError.Code.sourceChanged {
                // It is another upload now.
            } catch let error as ClientError where [.invalidJournal, .resumptionFailed].contains(error.code) {
                // The server keeps the upload, for the same command later or with other credentials.
                if let refusal = error.underlying as? StatusError, ![404, 410].contains(refusal.status) {
                    return Outcome(job: job, result: .refused(refusal.status))
                }
                // Otherwise it may have been complete.
                guard content.put || configuration.retry.includesNonIdempotentMethods else { throw error }
            }
            // The new upload replaces the journal.
            continuation.forget()
        }
        let digests = verifies ? job.files.map { _ in ContentDigest(.sha256) } : []
        let response = try await limited(client) {
            try await client.send(job.request(content, digests: digests)) { progress($0, 0) }
        }
        return await outcome(of: job, response, identity, digests.map(\.fieldValue))
    }

    private func configuration(with journal: Path) -> Client.Configuration {
        var configuration = configuration
        configuration.journal = journal
        return configuration
    }

    /// Sends something with this client's share of the rate.
    private func limited(_ client: Client, _ send: () async throws -> Response) async throws -> Response {
        rate.add(client)
        defer { rate.remove(client) }
        return try await send()
    }

    /// - Parameter digests: of what was sent; nil if another process has sent some of it.
    private func outcome(
        of job: Job, _ response: Response, _ identity: [UInt8]?, _ digests: [String?]?
    ) async -> Outcome {
        var outcome = Outcome(
            job: job, result: response.isSuccess ? .accepted(response.status) : .refused(response.status))
        outcome.bytesSent = response.bytesSent
        outcome.location = response.headerFields["Location"].map(response.isSuccess ? Format.url : Format.publicURL)
        // The status counts; the text is for people, unless digests are compared.
        outcome.answer = (try? await response.bytes()) ?? []
        outcome.metrics = response.metrics
        guard response.isSuccess else { return outcome }
        guard verifies else {
            record?.accept(job, identity)
            return outcome
        }
        let reported = Verification.reportedDigests(in: outcome.answer).suffix(job.files.count)
        guard reported.count == job.files.count else {
            return outcome.unverified("the server has accepted it, but reports no digest of what it has stored")
        }
        return await verified(outcome, identity, Array(reported), digests)
    }

    /// Compares what was sent with what the server has stored. If that is stopped, the same command does it again, without
    /// sending anything.
    ///
    /// - Parameter digests: nil if the files are to be read again.
    private func verified(
        _ outcome: Outcome, _ identity: [UInt8]?, _ reported: [String], _ digests: [String?]?
    ) async -> Outcome {
        let job = outcome.job
        record?.accept(job, identity, unverified: reported)
        do {
            let digests = if let digests { digests } else { try await Verification.digests(of: job) }
            if let complaint = Verification.complaint(digests, reported) {
                record?.forget(job)
                return outcome.unverified(complaint)
            }
        } catch {
            return outcome.unverified("the server has accepted it, but it could not be compared: \(error)")
        }
        record?.accept(job, identity)
        var outcome = outcome
        outcome.isVerified = true
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
