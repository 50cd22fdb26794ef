import Crypto
import HTTPStreaming
import Platform
import Synchronization

/// Sends requests to an object store, each on a connection of its own as long as it runs. Connections are kept.
final class S3Client: Sendable {
    /// One request.
    struct Request {
        var method: Client.Method
        /// Nil for the bucket.
        var key: String?
        var query: [(name: String, value: String)] = []
        var fields: [(name: String, value: String)] = []
        var content: Content?
        /// The hexadecimal SHA-256 of the content, which the store checks.
        var contentHash = S3Signature.emptyHash
        /// Whether the store may take long to answer, because it puts a large file together.
        var isLong = false

        init(_ method: Client.Method, _ key: String?, _ query: [(name: String, value: String)] = []) {
            (self.method, self.key, self.query) = (method, key, query)
        }

        /// With a document as its content.
        mutating func setContent(_ bytes: [UInt8]) {
            content = .bytes(bytes)
            contentHash = SHA256.hash(data: bytes).hexadecimal
        }
    }

    /// A response whose content is read by the caller, who then gives the connection back: see ``release(_:)``.
    struct OpenResponse {
        let response: Response
        let client: Client
    }

    /// Enough for a page of a list of files with long names, and for the state of an unfinished upload of 10,000 files.
    private static let maximumResponse = 32 << 20
    private static let maximumIdle = 32
    /// How often a request is sent that each time takes longer than the patience.
    private static let longAttempts = 4

    let location: S3Location
    let patience: Duration
    private let configuration: Client.Configuration
    private let findCredentials: @Sendable () throws(S3Credentials.Missing) -> S3Credentials
    private let credentials: Mutex<S3Credentials>
    private let idle = Mutex<[Client]>([])

    /// - Parameter findCredentials: called again when the store says that they have expired. May block.
    init(
        _ location: S3Location, patience: Duration,
        _ findCredentials: @escaping @Sendable () throws(S3Credentials.Missing) -> S3Credentials
    ) throws(S3Credentials.Missing) {
        (self.location, self.patience) = (location, patience)
        self.findCredentials = findCredentials
        credentials = Mutex(try findCredentials())
        var configuration = Client.Configuration()
        // Every request can be sent again: what it makes twice is found by the sweep.
        configuration.retry = .init(
            attempts: 20, delay: .milliseconds(100), maximumDelay: .seconds(3), maximumTime: patience,
            includesNonIdempotentMethods: true)
        configuration.connectTimeout = min(patience, .seconds(10))
        configuration.stallTimeout = patience * 3 / 2
        configuration.uploadBufferSize = 128 << 10
        configuration.maximumRedirects = 0
        configuration.proxy = .environment
        self.configuration = configuration
    }

    /// Sends a request and receives the whole response.
    ///
    /// - Throws: unless the status is 200 to 299.
    func send(_ request: Request) async throws(S3Error) -> (fields: HeaderFields, content: [UInt8]) {
        let open = try await open(request)
        do {
            let content = try await open.response.bytes(limit: Self.maximumResponse)
            release(open.client)
            return (open.response.headerFields, content)
        } catch {
            throw Self.error(error)
        }
    }

    /// Sends a request and receives the head of the response.
    ///
    /// - Throws: unless the status is 200 to 299.
    func open(_ request: Request) async throws(S3Error) -> OpenResponse {
        var attempts = 1
        var used = credentials.withLock { $0 }
        while true {
            let begun = Instant.now
            do throws(S3Error) {
                return try await attempt(request, used)
            } catch {
                attempts += 1
                if error.mayMeanExpiredCredentials, let found = try? findCredentials(), found != used {
                    credentials.withLock { $0 = found }
                    used = found
                    continue
                }
                // The patience counts from the beginning of sending: a large part may have used it up before its first failure.
                // And a connection may be lost without a word.
                let isLong = .now - begun > patience
                guard error.isTemporary, isLong, attempts <= (error.isStall ? 2 : Self.longAttempts) else {
                    throw error
                }
            }
        }
    }

    /// The connection can be used by another request.
    func release(_ client: Client) {
        idle.withLock { if $0.count < Self.maximumIdle { $0.append(client) } }
    }

    private func attempt(
        _ request: Request, _ credentials: S3Credentials
    ) async throws(S3Error) -> OpenResponse {
        let path = location.path(of: request.key)
        let query = request.query.map { (name: $0.name.percentEncoded, value: $0.value.percentEncoded) }
        let signature = S3Signature(credentials: credentials, region: location.region, time: .now)
        let fields = signature.fields(
            request.method.description, host: location.hostField, path: path, query: query, request.fields,
            contentHash: request.contentHash)
        var url = location.origin + path
        if !query.isEmpty { url += "?" + S3Signature.canonical(query) }
        var headerFields = HeaderFields()
        for field in fields { headerFields.append(field.name, field.value) }
        do {
            let client = try idle.withLock { $0.popLast() } ?? Client(configuration: configuration)
            var sent = HTTPStreaming.Request(
                request.method, url, headerFields: headerFields, content: request.content)
            if request.isLong { sent.stallTimeout = configuration.stallTimeout.map { $0 * 2 } }
            let response = try await client.send(sent)
            guard !response.isSuccess else { return OpenResponse(response: response, client: client) }
            let content = try await response.bytes(limit: Self.maximumResponse)
            release(client)
            throw S3Error(status: response.status, content: content)
        } catch {
            throw Self.error(error)
        }
    }

    private static func error(_ error: any Error) -> S3Error {
        switch error {
        case let error as S3Error: error
        case let error as ClientError: S3Error(error)
        default: preconditionFailure("a client throws its own errors only: \(error)")
        }
    }
}
