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
    /// To tell which methods a resource takes (RFC 9110 §9.3.7).
    case options([HTTPRequest.Method])

    /// - Throws: ``Refusal`` when the request will be answered with an error, whatever follows.
    init(judging head: HTTPRequest) throws(Refusal) {
        guard let resource = Resource(path: (head.path ?? "").prefix { $0 != "?" }) else { throw Self.notFound }
        switch (resource, head.method) {
        case (.root, .post), (.uploads, .post):
            self = .upload(try UploadRequest(form: head))
        case (.root, .put):
            self = .upload(try UploadRequest(file: head, named: nil))
        case (.name(let name), .put):
            self = .upload(try UploadRequest(file: head, named: name))
        case (.files, .get), (.files, .head):
            self = .list
        case (.file(let name), .get), (.file(let name), .head):
            self = .download(DownloadRequest(head, file: name))
        case (_, .options):
            self = .options(resource.methods)
        case (.name, _):
            throw Self.notFound
        case (.root, _), (.uploads, _), (.files, _), (.file, _):
            let methods = resource.methods.map(\.rawValue).joined(separator: ", ")
            throw Refusal(.methodNotAllowed, "only \(methods) are allowed here", fields: [.allow: methods])
        }
    }

    /// Whether the body will be read.
    var takesBody: Bool {
        switch self {
        case .upload: true
        case .list, .download, .options: false
        }
    }

    private static var notFound: Refusal {
        Refusal(
            .notFound,
            """
            nothing is here: POST multipart/form-data to / or to any path under /upload, PUT a file to /{name}, \
            or GET /files and /files/{name}
            """
        )
    }
}
