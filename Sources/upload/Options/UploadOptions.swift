import ArgumentParser
import HTTPStreaming

/// The options of the command line and of the environment.
struct UploadOptions {
    let content: ContentOptions
    let transfer: TransferOptions
    let connection: ConnectionOptions
    let display: DisplayOptions
    private let authentication: Client.Authentication

    /// - Throws: `ValidationError` for a value that cannot be used.
    init(
        _ content: ContentOptions, _ transfer: TransferOptions, _ connection: ConnectionOptions,
        _ display: DisplayOptions
    ) throws {
        self.content = content
        self.transfer = transfer
        self.connection = connection
        self.display = display
        authentication = try Self.authentication(connection)
        jobs = try transfer.jobs ?? Self.jobsInEnvironment() ?? 4
    }

    let jobs: Int

    var hasCredentials: Bool {
        authentication != .none || connection.header.contains(where: \.isCredential)
    }

    private static func jobsInEnvironment() throws -> Int? {
        guard let text = System.environment("UPLOAD_JOBS") else { return nil }
        guard let number = Int(text), (1...1000).contains(number) else {
            throw ValidationError("UPLOAD_JOBS is '\(text)', not a number from 1 to 1000")
        }
        return number
    }

    private static func authentication(_ options: ConnectionOptions) throws -> Client.Authentication {
        if let user = options.user {
            let password = System.environment("UPLOAD_PASSWORD") ?? System.password("Password of \(user): ")
            guard let password else {
                throw ValidationError("there is no terminal to ask for the password: set UPLOAD_PASSWORD")
            }
            return .basic(user: user, password: password)
        }
        if let path = options.tokenFile {
            guard let bytes = System.contents(of: CommandLineArguments.path(path)) else {
                throw ValidationError("the token file '\(path)' cannot be read")
            }
            let isSpace = { (byte: UInt8) in byte <= 0x20 }
            let token = bytes.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
            guard !token.isEmpty else { throw ValidationError("the token file '\(path)' is empty") }
            return .bearer(String(decoding: token, as: UTF8.self))
        }
        return System.environment("UPLOAD_TOKEN").map { .bearer($0) } ?? .none
    }

    /// Asks the server, with `--resume`, whether it keeps interrupted uploads: then each begins with a request without content,
    /// because not all proxies pass on interim responses.
    func checkedConfiguration(for target: Target) async -> Client.Configuration {
        var configuration = configuration(for: target)
        guard transfer.resume else { return configuration }
        var question = configuration
        (question.resumption, question.retry) = (.never, .never)
        let answer = try? await Client(configuration: question).send(Request(Client.Method("OPTIONS"), target.url))
        if answer?.headerFields["Upload-Limit"] != nil {
            configuration.resumption = .automatic(creation: .withoutContent, retry: resumptionRetry)
        }
        return configuration
    }

    private var resumptionRetry: Client.Retry {
        transfer.retry.map { Client.Retry(attempts: $0) } ?? Client.Resumption.defaultRetry
    }

    /// - Parameter target: decides how HTTP/2 begins.
    private func configuration(for target: Target) -> Client.Configuration {
        var configuration = Client.Configuration()
        for line in connection.header { configuration.headerFields.append(line.name, line.value) }
        // A header field of one's own has priority over the environment.
        if configuration.headerFields["Authorization"] == nil || connection.user != nil || connection.tokenFile != nil {
            configuration.authentication = authentication
        }
        configuration.tls.caFile = connection.caFile
        configuration.tls.verifiesCertificates = !connection.insecure
        if let file = connection.certificateFile {
            configuration.tls.clientCertificate = .init(
                certificateFile: file, keyFile: connection.keyFile,
                keyPassword: System.environment("UPLOAD_KEY_PASSWORD"))
        }
        if let proxy = connection.proxy { configuration.proxy = proxy == "none" ? .none : .url(proxy) }
        configuration.unixSocket = connection.unixSocket
        if connection.usesHTTP2 {
            configuration.httpVersion = target.url.lowercased().hasPrefix("https:") ? .http2 : .http2PriorKnowledge
        }
        if let coding = content.coding { configuration.contentCoding = coding }
        configuration.retry = Client.Retry(
            attempts: transfer.retry ?? 3, includesNonIdempotentMethods: transfer.retryAll)
        if transfer.resume { configuration.resumption = .automatic(retry: resumptionRetry) }
        if transfer.verify { configuration.headerFields["Want-Repr-Digest"] = "sha-256=10" }
        if let timeout = transfer.timeout?.duration {
            configuration.stallTimeout = timeout
            configuration.connectTimeout = min(timeout, configuration.connectTimeout)
        }
        return configuration
    }
}
