import HTTPTypes

/// What the server does for a request, decided from its head before any byte of the body is read.
///
/// One function decides: the handler that answers `Expect: 100-continue` and the one that answers the request cannot
/// disagree.
enum Route: Hashable, Sendable {
    /// Store the files in the body.
    case upload(UploadRequest)
    /// Store the files in the body, and keep what has been received if it is cut off.
    case create(UploadRequest, UploadCreation)
    /// Answer a request to the location of an upload that was, or can be, cut off.
    case unfinished(UploadID, UnfinishedRequest, UploadDialect)
    /// List stored files.
    case list(FileListRequest)
    /// Send a stored file.
    case download(DownloadRequest)
    /// Send the web page.
    case page
    /// Stream the body back as it arrives.
    case echo(EchoRequest)
    /// Send a text.
    case text(String, Representation)
    /// Send numbers.
    case count(CountRequest)
    /// Report that the server runs.
    case health
    /// Send the metrics.
    case metrics
    /// Send the methods of a resource (RFC 9110 §9.3.7).
    case options([HTTPRequest.Method])

    /// - Parameter rules: the limits that the server was configured with.
    /// - Throws: ``Refusal`` if the response is an error, whatever the body is.
    init(judging head: HTTPRequest, _ rules: Rules = Rules()) throws(Refusal) {
        // RFC 9110 §15.6.2 and §7.2: checked before the resource.
        guard head.method.isKnown else { throw .notImplemented }
        try rules.checkHost(head)
        guard head.path != "" else {
            throw Refusal(.malformed, "the request target is neither a path nor a URL of http or https")
        }
        try Self.checkText(head.path, "path")
        // RFC 9110 §8.6. The decoder of HTTP/2 accepts a sign and equal values.
        if let length = head.headerFields[.contentLength],
            length.isEmpty || !length.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        {
            throw Refusal(.malformed, "the Content-Length is not a number")
        }
        // RFC 9112 §6.1. HTTP/2 has no transfer coding.
        if let coding = head.headerFields[.transferEncoding], coding.lowercased() != "chunked" {
            throw Refusal(.notImplemented, "chunked is the only transfer coding that this server supports")
        }
        guard let resource = Resource(head, rules),
            head.method != .connect
        else {
            throw head.method == .connect ? Self.notAllowed(Resource.server) : Self.notFound
        }
        switch (resource, head.method) {
        case (_, .options):
            self = .options(resource.methods)
        case (.root, .post), (.uploads, .post), (.root, .put), (.name, .put), (.file, .put), (.file, .post):
            try rules.checkUpload(head)
            let upload = try UploadRequest(head, rules)
            guard let creation = try UploadCreation(draft: head) else {
                self = .upload(upload)
                break
            }
            self = try Self.creation(upload, creation, rules)
        case (.tus, .post):
            try rules.checkUpload(head)
            self = .create(try UploadRequest(head, rules), try UploadCreation(tus: head))
        case (.unfinished(let id), .head), (.unfinished(let id), .patch), (.unfinished(let id), .delete):
            self = try Self.unfinished(id, try UnfinishedRequest.draft(head), head, resource, rules)
        case (.tusUpload(let id), .head), (.tusUpload(let id), .patch), (.tusUpload(let id), .delete),
            (.tusUpload(let id), .post):
            self = try Self.unfinished(id, try UnfinishedRequest.tus(head), head, resource, rules)
        case (.root, .get), (.root, .head):
            self = .page
        case (.files, .get), (.files, .head):
            self = .list(try FileListRequest(head))
        case (.file(let name), .get), (.file(let name), .head):
            self = .download(DownloadRequest(head, file: name))
        case (.echo, .post):
            try rules.checkLength(head)
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
            (.userAgent, _), (.count, _), (.health, _), (.metrics, _), (.unfinished, _), (.tus, _), (.tusUpload, _):
            throw Self.notAllowed(resource)
        }
        // RFC 9110 §10.1.1 defines one expectation.
        if readsBody, let expectation = head.headerFields[.expect], expectation.lowercased() != "100-continue" {
            throw Refusal(.expectationFailed, "100-continue is the only expectation that this server supports")
        }
    }

    /// Whether the server reads the body.
    var readsBody: Bool {
        switch self {
        case .upload, .create, .echo: true
        case .unfinished(_, let request, _): request.readsBody
        case .list, .download, .page, .text, .count, .health, .metrics, .options: false
        }
    }

    /// - Parameter text: of the request's head. SwiftNIO has replaced bytes that are not UTF-8 by U+FFFD, so that the text is
    ///   not the one that was sent.
    static func checkText(_ text: String?, _ what: String) throws(Refusal) {
        guard let text, text.unicodeScalars.contains("\u{FFFD}") else { return }
        throw Refusal(.malformed, "the \(what) is not UTF-8")
    }

    private static func creation(
        _ upload: UploadRequest, _ creation: UploadCreation, _ rules: Rules
    ) throws(Refusal) -> Route {
        if rules.keepsUnfinished { return .create(upload, creation) }
        // A part of an upload must not be stored as the whole.
        guard creation.isLast == true else {
            throw Refusal(.malformed, "this server does not accept uploads in several requests")
        }
        return .upload(upload)
    }

    /// - Parameter request: nil if the resource does not accept the method.
    private static func unfinished(
        _ id: UploadID, _ request: (UnfinishedRequest, UploadDialect)?, _ head: HTTPRequest, _ resource: Resource,
        _ rules: Rules
    ) throws(Refusal) -> Route {
        guard rules.keepsUnfinished else { throw notFound }
        guard let (request, dialect) = request else { throw notAllowed(resource) }
        // A wrong token gets the same answer whether there is such an upload or not.
        try rules.checkUpload(head)
        return .unfinished(id, request, dialect)
    }

    private static func notAllowed(_ resource: Resource) -> Refusal {
        let methods = resource.methods.map(\.rawValue).joined(separator: ", ")
        var message = "this resource accepts only \(methods)"
        // Most likely the client wanted to upload a form.
        if case .name = resource { message += "; POST multipart/form-data to / or to any path under /upload" }
        return Refusal(.methodNotAllowed, message, fields: [.allow: methods])
    }

    private static var notFound: Refusal {
        Refusal(
            .notFound,
            """
            this path does not exist: GET / is a page to send files with; POST multipart/form-data to / or to any path \
            under /upload, PUT a file to /{name}, GET /files and /files/{name}; to try things: POST /echo, \
            GET /echo/{text}, /user-agent, /count/{n}, /health, /metrics
            """
        )
    }
}

extension Resource {
    init?(_ head: HTTPRequest, _ rules: Route.Rules) {
        self.init(
            path: head.pathWithoutQuery, keepsPaths: rules.keepsPaths,
            tusPath: rules.keepsUnfinished ? rules.tusPath : nil)
    }
}

extension UploadRequest {
    /// - Parameter head: of a request that stores files.
    /// - Throws: ``Refusal`` if the body need not be read.
    init(_ head: HTTPRequest, _ rules: Route.Rules) throws(Refusal) {
        switch Resource(head, rules) {
        case .root where head.method == .put:
            try self.init(file: head, named: nil)
        case .name(let name), .file(let name):
            try self.init(file: head, named: name, replaces: head.method == .put && rules.replacesFiles)
        case .tus:
            try self.init(tus: head)
        default:
            try self.init(form: head)
        }
    }
}

extension Route {
    /// The server's configuration, as far as it decides which requests are refused.
    struct Rules: Hashable, Sendable {
        var access = Receiver.Access()
        /// Of a body as it is sent, in bytes.
        var maximumBodySize: Int?
        var form = Receiver.FormLimits()
        /// Whether a `PUT` replaces the file that its path names.
        var replacesFiles = true
        /// Whether the names of files have folders.
        var keepsPaths = false
        /// Whether uploads are kept that are cut off.
        var keepsUnfinished = false
        /// Where uploads of tus are, with a slash at both ends; nil for nowhere.
        var tusPath: String?
        /// Whether the server listens on the loopback interface.
        var isLoopback = false

        /// RFC 9112 §3.2, RFC 9113 §8.3.1. If a request had several Host fields, the handlers before have removed them
        /// all or left one of them as a field.
        func checkHost(_ head: HTTPRequest) throws(Refusal) {
            let field = head.headerFields[.host]
            guard let host = head.authority ?? field, field == nil || field == host else {
                throw Refusal(.malformed, "a request has exactly one Host field")
            }
            let isValid = host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"/?#@\\\"<>^`{|}".utf8.contains($0) }
            guard isValid else { throw Refusal(.malformed, "the Host field is not a valid host name") }
            guard !isLoopback || access.isOwnName(host) else {
                throw Refusal(.misdirected, "this server accepts only host names of this machine: see --cors")
            }
        }

        func checkUpload(_ head: HTTPRequest) throws(Refusal) {
            try access.checkWriting(head)
            try checkLength(head)
        }

        func checkLength(_ head: HTTPRequest) throws(Refusal) {
            guard let maximumBodySize, let length = head.headerFields[.contentLength] else { return }
            // A number that does not fit into Int is larger than any limit.
            guard Int(length) ?? .max <= maximumBodySize else { throw Self.tooLarge(maximumBodySize) }
        }

        /// - Parameter count: how many bytes of a body have arrived.
        func check(bodyBytes count: Int) throws(Refusal) {
            if let maximumBodySize, count > maximumBodySize { throw Self.tooLarge(maximumBodySize) }
        }

        private static func tooLarge(_ limit: Int) -> Refusal {
            Refusal(.tooLarge, "the body is longer than the limit of \(limit) bytes", option: "--max-size")
        }
    }
}
