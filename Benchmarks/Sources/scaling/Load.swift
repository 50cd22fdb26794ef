import HTTPStreaming
import Synchronization

/// Sends all files, some at the same time.
final class Load: Sendable {
    /// What became of one file.
    struct Result: Sendable {
        let content: SeededContent
        /// Nil if there was no response.
        var status: Int?
        /// Why it was not answered with success: the kind of failure, and one line for people.
        var failure: (kind: String, message: String)?
        var resumptions = 0
        var bytesSentAgain: Int64 = 0
    }

    private let options: Options
    private let begun = ContinuousClock.now
    private let ended = Mutex<ContinuousClock.Instant?>(nil)

    init(_ options: Options) { self.options = options }

    /// From the first upload to the end of the last one.
    var seconds: Double { ((ended.withLock { $0 } ?? .now) - begun) / .seconds(1) }

    /// - Parameter progress: called after each upload, with the number of those that have ended.
    func run(_ progress: @Sendable (_ ended: Int) -> Void) async -> [Result] {
        let results = await withTaskGroup(of: Result.self) { group in
            var results: [Result] = []
            for index in 0..<options.uploads {
                if index >= options.jobs, let result = await group.next() {
                    results.append(result)
                    progress(results.count)
                }
                group.addTask { [self] in
                    await upload(SeededContent(index, size: options.size, seed: options.seed))
                }
            }
            for await result in group {
                results.append(result)
                progress(results.count)
            }
            return results
        }
        ended.withLock { $0 = .now }
        return results
    }

    private func upload(_ content: SeededContent) async -> Result {
        var result = Result(content: content)
        do {
            // A client is one connection.
            let client = try Client(configuration: configuration)
            let response = try await client.send(request(content))
            let text = try await response.text()
            result.status = response.status
            result.resumptions = response.metrics.resumptions
            result.bytesSentAgain = response.metrics.bytesSentAgain
            if !response.isSuccess {
                // The servers answer with JSON, load balancers with pages.
                result.failure = ("status \(response.status)", text.hasPrefix("{") ? text : "of the load balancer")
            }
        } catch let error as ClientError {
            result.failure = ("\(error.code)", error.message)
        } catch {
            result.failure = ("\(error)", "")
        }
        return result
    }

    private func request(_ content: SeededContent) -> Request {
        switch options.resumption {
        case .off, .draft, .created: Request(.put, options.url + content.name, content: content.content)
        case .tus:
            Request(
                .post, options.url + "tus/", headerFields: ["Upload-Metadata": "filename \(content.name.base64)"],
                content: content.content)
        }
    }

    private var configuration: Client.Configuration {
        var configuration = Client.Configuration()
        // A thousand of these fit into `bufferBudget`.
        configuration.uploadBufferSize = options.jobs > 100 ? 64 << 10 : 512 << 10
        configuration.maximumUploadBytesPerSecond = options.rate
        configuration.proxy = .none
        switch options.resumption {
        case .off: configuration.retry = .never
        case .draft: configuration.resumption = .automatic
        case .created: configuration.resumption = .automatic(creation: .withoutContent)
        case .tus:
            configuration.resumption = .tus
            // Also the POST that creates an upload: of two creations one stays empty, and the server removes it.
            configuration.retry.includesNonIdempotentMethods = true
        }
        return configuration
    }
}
