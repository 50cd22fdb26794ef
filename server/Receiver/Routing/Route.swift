import HTTPTypes

/// What a request asks for, as its head says: judged, before anything of the body has been read.
///
/// One function judges: what answers `Expect: 100-continue` on the connection and what answers the
/// request cannot disagree.
enum Route: Hashable, Sendable {
    /// To store what the body holds.
    case upload(UploadRequest)
    /// To tell which files are stored.
    case list
    /// To send a file.
    case download(DownloadRequest)
    /// To send the page that files are dropped on.
    case page
    /// To send back the body while it comes.
    case echo(EchoRequest)
    /// To send a text.
    case text(String, Representation)
    /// To count.
    case count(CountRequest)
    /// To tell that the server is there.
    case health
    /// To tell what the server has done.
    case metrics
    /// To tell which methods a resource takes (RFC 9110 §9.3.7).
    case options([HTTPRequest.Method])

    /// - Parameter rules: what the server was told to refuse.
    /// - Throws: ``Refusal`` when the request will be answered with an error, whatever follows.
    init(judging head: HTTPRequest, _ rules: Rules = Rules()) throws(Refusal) {
        // RFC 9110 §15.6.2, and §7.2: before it matters what is asked for.
        guard head.method.isKnown else { throw .notImplemented }
        try rules.judgeHost(head)
        // RFC 9112 §6.1. HTTP/2 has none.
        if let coding = head.headerFields[.transferEncoding], coding.lowercased() != "chunked" {
            throw Refusal(.notImplemented, "the only transfer coding that is known is chunked")
        }
        guard let resource = Resource(path: head.pathWithoutQuery), head.method != .connect else {
            throw head.method == .connect ? Self.notAllowed(Resource.server) : Self.notFound
        }
        switch (resource, head.method) {
        case (_, .options):
            self = .options(resource.methods)
        case (.root, .post), (.uploads, .post):
            try rules.judgeUpload(head)
            self = .upload(try UploadRequest(form: head))
        case (.root, .put):
            try rules.judgeUpload(head)
            self = .upload(try UploadRequest(file: head, named: nil))
        case (.name(let name), .put), (.file(let name), .put), (.file(let name), .post):
            try rules.judgeUpload(head)
            self = .upload(try UploadRequest(file: head, named: name))
        case (.root, .get), (.root, .head):
            self = .page
        case (.files, .get), (.files, .head):
            self = .list
        case (.file(let name), .get), (.file(let name), .head):
            self = .download(DownloadRequest(head, file: name))
        case (.echo, .post):
            try rules.judgeBody(head)
            self = .echo(try EchoRequest(head))
        case (.text(let text), .get), (.text(let text), .head):
            self = .text(text, try .accepted(by: head))
        case (.userAgent, .get), (.userAgent, .head):
            self = .text(head.headerFields[.userAgent] ?? "", try .accepted(by: head))
        case (.count(let limit), .get), (.count(let limit), .head):
            self = .count(try CountRequest(head, limit))
        case (.health, .get), (.health, .head):
            self = .health
        case (.metrics, .get), (.metrics, .head):
            self = .metrics
        case (.name, .get), (.name, .head), (.server, .get), (.server, .head):
            throw Self.notFound
        case (.name, _), (.server, _), (.root, _), (.uploads, _), (.files, _), (.file, _), (.echo, _), (.text, _),
            (.userAgent, _), (.count, _), (.health, _), (.metrics, _):
            throw Self.notAllowed(resource)
        }
        // RFC 9110 §10.1.1: there is one expectation.
        if self.takesBody, let expectation = head.headerFields[.expect], expectation.lowercased() != "100-continue" {
            throw Refusal(.expectationFailed, "the only expectation that is met is 100-continue")
        }
    }

    /// Whether the body will be read.
    var takesBody: Bool {
        switch self {
        case .upload, .echo: true
        case .list, .download, .page, .text, .count, .health, .metrics, .options: false
        }
    }

    private static func notAllowed(_ resource: Resource) -> Refusal {
        let methods = resource.methods.map(\.rawValue).joined(separator: ", ")
        var message = "only \(methods) are allowed here"
        // What a form was meant for, most likely.
        if case .name = resource { message += "; POST multipart/form-data to / or to any path under /upload" }
        return Refusal(.methodNotAllowed, message, fields: [.allow: methods])
    }

    private static var notFound: Refusal {
        Refusal(
            .notFound,
            """
            nothing is here: GET / is a page to send files with; POST multipart/form-data to / or to any path under \
            /upload, PUT a file to /{name}, GET /files and /files/{name}; to try things: POST /echo, \
            GET /echo/{text}, /user-agent, /count/{n}, /health, /metrics
            """
        )
    }
}

extension Route {
    /// What a server was told to refuse.
    struct Rules: Hashable, Sendable {
        var access = Receiver.Access()
        /// Of a body as it comes, in bytes.
        var maximumBodySize: Int?
        /// Whether only this machine can reach the server.
        var isLoopback = false

        init(access: Receiver.Access = .init(), maximumBodySize: Int? = nil) {
            self.access = access
            self.maximumBodySize = maximumBodySize
        }

        init(_ configuration: Receiver.Configuration) {
            self.init(access: configuration.access, maximumBodySize: configuration.maximumBodySize)
            isLoopback = Receiver.Access.isLoopback(configuration.host)
        }

        /// RFC 9112 §3.2, RFC 9113 §8.3.1. That there are several has made them none, or left one of them a field.
        func judgeHost(_ head: HTTPRequest) throws(Refusal) {
            let field = head.headerFields[.host]
            guard let host = head.authority ?? field, field == nil || field == host else {
                throw Refusal(.malformed, "a request has one Host field")
            }
            let isValid = host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"/?#@\\\"<>^`{|}".utf8.contains($0) }
            guard isValid else { throw Refusal(.malformed, "the Host field names no host") }
            guard !isLoopback || access.isOwnName(host) else {
                throw Refusal(.misdirected, "this server answers to this machine's own names only: see --cors")
            }
        }

        func judgeUpload(_ head: HTTPRequest) throws(Refusal) {
            try access.judgeWriting(head)
            try judgeBody(head)
        }

        func judgeBody(_ head: HTTPRequest) throws(Refusal) {
            guard let maximumBodySize, let length = head.headerFields[.contentLength] else { return }
            // What is no number is more than any.
            guard Int(length) ?? .max <= maximumBodySize else { throw Self.tooLarge(maximumBodySize) }
        }

        /// - Parameter count: how many bytes of a body have come.
        func judge(bodyBytes count: Int) throws(Refusal) {
            if let maximumBodySize, count > maximumBodySize { throw Self.tooLarge(maximumBodySize) }
        }

        private static func tooLarge(_ limit: Int) -> Refusal {
            Refusal(.tooLarge, "the body has more than \(limit) bytes, which is the most that this server takes")
        }
    }
}

extension HTTPField.Name {
    /// Of an HTTP/1.1 request whose authority could not be told, or of HTTP/2.
    static let host = HTTPField.Name("Host")!
}
